/**
 * One run of the reconciler, under its lock:
 *
 *   ledger, leases, writer ──► tables, machines, quotas ──► whom to believe
 *     ──► machines that leave ──► interfaces ──► the pass over all routes ──► leases of the dead
 */
import type { Finding } from '../core/finding.ts';
import type { LeaseKey } from '../core/lease.ts';
import type { Ledger } from '../core/ledger.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import type { RouteWriter } from '../core/route-writer.ts';
import type { ApiBudget } from './api-budget.ts';
import type { AuditLog } from './audit-log.ts';
import { CloudPasses } from './cloud-pass.ts';
import type { CloudReport } from './cloud-report.ts';
import type { SeenTable } from './cloud-scope.ts';
import { CountedCloud } from './counted-cloud.ts';
import { Departures } from './departures.ts';
import { ExpirySightings } from './expiry-sightings.ts';
import { handOver } from './handover.ts';
import { LeaseLooks } from './lease-looks.ts';
import { RELEASES, releaseTerminated } from './lease-release.ts';
import { LeavingMachines } from './leaving.ts';
import { NetworkScope, type NetworkScopeParts } from './network-scope.ts';
import { prepareInterfaces } from './prepare-interfaces.ts';
import type { ReconcilerParts, ReconcilerSettings, RunReport, RunRequest } from './reconciler-parts.ts';
import { whyEnded, type Machines } from './run-facts.ts';
import type { HeldLock } from './run-lock.ts';
import { plannedOutcomes, tableReports, unreadable } from './run-report.ts';
import { RunRight } from './run-right.ts';
import { believer, concerning, configOf, readLedgerNow, readWorld, silentOf, stayers } from './run-start.ts';
import type { RunState } from './run-state.ts';
import { Waiting } from './waiting.ts';

export interface ReconcilerRunParts extends ReconcilerParts {
  readonly budget: ApiBudget;
  readonly audit: AuditLog;
  readonly lock: Pick<HeldLock, 'validForMs'>;
  readonly state: RunState;
}

/** How long senders are given by default: until a change of the store is heard of everywhere, and a round of probes. */
const SEEN_WITHIN_MS = 15_000;
const ANEW =
  'what the run before left in the store cannot be read: whatever is held until time has passed is held from now on';

/** Of the store. */
interface Heard {
  readonly ledger: Ledger;
  readonly looks: LeaseLooks;
  readonly config: NetworkConfig;
  readonly leaving: LeavingMachines;
  readonly writer: RouteWriter;
  readonly waiting: Waiting;
  /** By the clock or by a person's word: events and changes come in crowds, and prove no time to have passed. */
  readonly isDue: boolean;
  /** Leases that nobody renews, in the version that has stood too long. */
  readonly silent: ReadonlyMap<LeaseKey, string>;
}

/** Of the cloud. */
interface Seen {
  readonly passes: CloudPasses;
  readonly tables: readonly SeenTable[];
  readonly machines: Machines;
  readonly rules: NetworkScopeParts & { readonly right: RunRight };
  readonly scope: NetworkScope;
  /** More come as the run goes on. */
  readonly findings: Finding[];
}

export class ReconcilerRun {
  readonly #parts: ReconcilerRunParts;
  readonly #settings: ReconcilerSettings;
  readonly #request: RunRequest;
  readonly #cloud: CountedCloud;
  #hasHeard = false;

  constructor(parts: ReconcilerRunParts, settings: ReconcilerSettings, request: RunRequest) {
    this.#parts = parts;
    this.#settings = settings;
    this.#request = request;
    this.#cloud = new CountedCloud(parts.cloud, () => parts.budget.throttled());
  }

  /** What was told of machines that leave is written down, and need not be told again. */
  get hasHeard(): boolean {
    return this.#hasHeard;
  }

  get calls(): number {
    return this.#cloud.calls;
  }

  async run(signal: AbortSignal): Promise<RunReport> {
    const heard = await this.#hear(signal);
    const seen = await this.#see(heard, signal);
    return this.#request.dryRun ? this.#plan(heard, seen) : this.#act(heard, seen, signal);
  }

  /** What the store says. Rows before leases, and leases before tables: whoever wrote what is read first has a lease in what is read after it. */
  async #hear(signal: AbortSignal): Promise<Heard> {
    const { records, state } = this.#parts;
    const { dryRun, why, leaving: told } = this.#request;
    const ledger = await readLedgerNow(this.#parts, signal);
    const looks = await LeaseLooks.open(this.#parts, signal);
    const { view } = looks;
    const config = configOf(view);
    const leaving = await LeavingMachines.read(records, { ...state, ...this.#settings }, signal);
    if (!dryRun) await leaving.remember(concerning(told, leaving.all.keys(), view, ledger), signal);
    this.#hasHeard = true;
    const writer = await this.#takeOver(config, ledger, signal);
    looks.expectWriter(writer);
    const isDue = why === 'schedule' || why === 'person';
    const waiting = await Waiting.read(records, { ...state, isDue }, signal);
    const sightings = await ExpirySightings.read(records, signal);
    const expired = sightings.expired(view.leases.values(), { ageMs: state.ageMs, ttlMs: config.leaseTtlMs });
    if (!dryRun) await sightings.save(signal);
    return { ledger, looks, config, leaving, writer, waiting, isDue, silent: silentOf(expired, view) };
  }

  async #takeOver({ routeWriter }: NetworkConfig, ledger: Ledger, signal: AbortSignal): Promise<RouteWriter> {
    const { records, audit } = this.#parts;
    const by = this.#settings.name;
    const wish = { configured: routeWriter, side: 'reconciler', by, ledger, writes: !this.#request.dryRun } as const;
    const { writer, from } = await handOver(records, wish, signal);
    if (from !== undefined && from.mode !== writer.mode)
      await audit.add(
        { action: 'handed over', before: from.mode, after: writer.mode, why: 'the network config wants it so' },
        signal,
      );
    return writer;
  }

  /** What the cloud says, and so whom to believe and what may be done. */
  async #see(heard: Heard, signal: AbortSignal): Promise<Seen> {
    const { clock, audit, lock, budget, state } = this.#parts;
    const { networks } = this.#settings;
    const { dryRun, adopt, untilMs, leaving: told } = this.#request;
    const { looks, config, leaving, ledger, writer, waiting, isDue, silent } = heard;
    const { view } = looks;
    const passes = new CloudPasses({ ...this.#parts, cloud: this.#cloud.network });
    const known = { config, networks, view, ledger, leaving: leaving.all.keys() };
    const { tables, machines, quotas } = await readWorld(passes, this.#parts, known, signal);
    if (!dryRun)
      for (const instance of stayers(leaving, told, machines, view, state)) await leaving.forget(instance, signal);
    const leaves = new Map([...leaving.all].map(([instance, machine]) => [instance, machine.why]));
    if (dryRun) for (const one of told) leaves.set(one.instance, one.why);
    const believe = believer(silent, config, this.#settings, machines, leaves);
    const right = new RunRight({ clock, budget, lock, looks, silent, writer, untilMs });
    const removals = { looks, machines, silent, leaving: leaves, ownersWrite: writer.mode === 'node' };
    const rules = {
      networks,
      config,
      writer,
      begun: ledger,
      believe,
      quotas,
      removals,
      waiting,
      isDue,
      adopt,
      right,
      audit,
    };
    const findings: Finding[] = [...view.findings, ...unreadable(view, ledger, leaving.unreadable)];
    if (state.anew) findings.push({ code: 'STATE_UNREADABLE', message: ANEW });
    return { passes, tables, machines, rules, scope: new NetworkScope(rules, 'all'), findings };
  }

  #plan({ ledger, writer }: Heard, seen: Seen): RunReport {
    const { tables, scope } = seen;
    const planned = scope.plan(tables, ledger);
    const outcomes = plannedOutcomes(planned, scope.holds(planned, tables));
    return { ...this.#report(writer, seen, { tables, outcomes }), planned };
  }

  async #act(heard: Heard, seen: Seen, signal: AbortSignal): Promise<RunReport> {
    const { looks, config, waiting, writer } = heard;
    const { passes, tables, machines, rules, scope, findings } = seen;
    const { networks } = this.#settings;
    const { right, audit, believe } = rules;
    const departed = await this.#departures(heard, seen).see(tables, heard.ledger, signal);
    findings.push(...departed.findings);
    const prepareParts = { cloud: this.#cloud.network, right, audit };
    findings.push(
      ...(await prepareInterfaces(prepareParts, believe([...looks.view.leases.values()]), machines, signal)),
    );
    const stillSo = departed.hasMoved ? undefined : tables;
    const { lingering } = departed;
    const all = lingering.size === 0 ? scope : new NetworkScope({ ...rules, lingering }, 'all');
    let made: CloudReport;
    try {
      made = await passes.pass({ config, ledger: departed.ledger, scope: all, writes: true, tables: stillSo }, signal);
      const mayGoOn = (): boolean => right.mayWait(0);
      await releaseTerminated({ ...this.#parts, looks, waiting, machines, networks, mayGoOn }, signal);
    } catch (error) {
      // What was found to wait goes on waiting, and nothing is known of the rest: a trouble that comes each time would else begin all waits anew.
      if (!signal.aborted) await waiting.save(new Set(), signal).catch(() => undefined);
      throw error;
    }
    await waiting.save(new Set([...tables.map(({ id }) => id), RELEASES]), signal);
    findings.push(...made.missing.map((id) => ({ code: 'CLOUD_NOT_FOUND' as const, message: missing(id, networks) })));
    return this.#report(writer, { ...seen, scope: all }, made);
  }

  #departures({ looks, config, leaving }: Heard, { passes, tables, machines, rules }: Seen): Departures {
    const { right, removals } = rules;
    const ended = new Set(this.#request.leaving.flatMap(({ instance, isEnded }) => (isEnded ? [instance] : [])));
    return new Departures({
      ...this.#parts,
      machines: leaving,
      looks,
      ownersWrite: removals.ownersWrite,
      seenWithinMs: this.#settings.seenWithinMs ?? SEEN_WITHIN_MS,
      ageMs: this.#parts.state.ageMs,
      mayWait: (ms) => this.#request.mayLinger !== false && right.mayWait(ms),
      isEnded: (instance) => ended.has(instance) || whyEnded(instance, machines) !== undefined,
      pass: (stage, only, ledger, within) =>
        passes.pass({ config, ledger, scope: new NetworkScope(rules, stage, only), writes: true, tables }, within),
    });
  }

  #report(
    writer: RouteWriter,
    { tables, rules, scope, findings }: Seen,
    { tables: last, outcomes }: Pick<CloudReport, 'tables' | 'outcomes'>,
  ): RunReport {
    return {
      how: rules.right.isCut ? 'cut' : 'done',
      writer,
      tables: tableReports(last, tables, rules.quotas, scope.bids),
      outcomes,
      doubted: scope.belief.doubted.map(({ lease: { subnet, attributes }, why }) => ({
        subnet: subnet.v4,
        node: attributes.weft?.node ?? '',
        why,
      })),
      audit: this.#parts.audit.entries,
      findings,
      calls: this.calls,
    };
  }
}

const missing = (id: string, networks: readonly string[]): string =>
  `there is no route table ${id} in ${networks.join(', ')} that may hold routes to interfaces: correct Weft.AWS.RouteTableID`;
