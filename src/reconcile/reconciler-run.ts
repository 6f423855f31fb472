/**
 * One run of the reconciler, under its lock:
 *
 *   ledger, leases, writer ──► tables, machines, quotas ──► whom to believe
 *     ──► machines that leave ──► interfaces ──► the pass over all routes ──► leases of the dead
 */
import type { Finding } from '../core/finding.ts';
import type { ApiBudget } from './api-budget.ts';
import type { AuditLog } from './audit-log.ts';
import { CloudPasses } from './cloud-pass.ts';
import type { CloudReport } from './cloud-report.ts';
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
import { whyEnded } from './run-facts.ts';
import type { HeldLock } from './run-lock.ts';
import { plannedOutcomes, tableReports, unreadable } from './run-report.ts';
import { RunRight } from './run-right.ts';
import { believer, concerning, configOf, readLedgerNow, readWorld, stayers } from './run-start.ts';
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
    const { records, clock, audit, lock, budget, state } = this.#parts;
    const { name, networks, seenWithinMs = SEEN_WITHIN_MS } = this.#settings;
    const { dryRun, why, adopt, untilMs, leaving: told } = this.#request;
    const writes = !dryRun;
    // Rows before leases, and leases before tables: whoever wrote what is read first has a lease in what is read after it.
    const ledger = await readLedgerNow(this.#parts, signal);
    const looks = await LeaseLooks.open(this.#parts, signal);
    const { view } = looks;
    const config = configOf(view);
    const leaving = await LeavingMachines.read(records, state.ageMs, signal);
    if (writes) await leaving.remember(concerning(told, leaving.all.keys(), view, ledger), signal);
    this.#hasHeard = true;
    const wish = { configured: config.routeWriter, side: 'reconciler', by: name, ledger, writes } as const;
    const { writer, from } = await handOver(records, wish, signal);
    looks.expectWriter(writer);
    if (from !== undefined && from.mode !== writer.mode)
      await audit.add(
        { action: 'handed over', before: from.mode, after: writer.mode, why: 'the network config wants it so' },
        signal,
      );
    const isScheduled = why === 'schedule';
    const waiting = await Waiting.read(records, { ...state, isScheduled }, signal);
    const sightings = await ExpirySightings.read(records, signal);
    const expired = sightings.expired(view.leases.values(), { ageMs: state.ageMs, ttlMs: config.leaseTtlMs });
    if (writes) await sightings.save(signal);

    const passes = new CloudPasses({ ...this.#parts, cloud: this.#cloud.network });
    const known = { config, networks, view, ledger, leaving: leaving.all.keys() };
    const { tables, machines, quotas } = await readWorld(passes, this.#parts, known, signal);
    if (writes)
      for (const instance of stayers(leaving, told, machines, view, state)) await leaving.forget(instance, signal);
    const leaves = new Map([...leaving.all].map(([instance, machine]) => [instance, machine.why]));
    if (dryRun) for (const one of told) leaves.set(one.instance, one.why);
    const believe = believer(expired, config, this.#settings, machines, leaves);
    const ownersWrite = writer.mode === 'node';
    const right = new RunRight({ clock, budget, lock, looks, writer, untilMs });
    const removals = { looks, machines, expired, leaving: leaves, ownersWrite };
    const scopeParts: NetworkScopeParts = {
      networks,
      config,
      writer,
      believe,
      quotas,
      removals,
      waiting,
      isScheduled,
      adopt,
      right,
      audit,
    };
    const scope = new NetworkScope(scopeParts, 'all');
    const findings: Finding[] = [...view.findings, ...unreadable(view, ledger, leaving.unreadable)];
    if (state.anew) findings.push({ code: 'STATE_UNREADABLE', message: ANEW });
    const report = ({ tables: seen, outcomes }: Pick<CloudReport, 'tables' | 'outcomes'>): RunReport => ({
      how: right.isCut ? 'cut' : 'done',
      writer,
      tables: tableReports(seen, tables, quotas, scope.bids),
      outcomes,
      doubted: scope.belief.doubted.map(({ lease: { subnet, attributes }, why: reason }) => ({
        subnet: subnet.v4,
        node: attributes.weft?.node ?? '',
        why: reason,
      })),
      audit: audit.entries,
      findings,
      calls: this.calls,
    });
    if (dryRun) {
      const planned = scope.plan(tables, ledger);
      const outcomes = plannedOutcomes(planned, scope.holds(planned, tables));
      return { ...report({ tables, outcomes }), planned };
    }

    const departures = new Departures({
      ...this.#parts,
      machines: leaving,
      looks,
      ownersWrite,
      seenWithinMs,
      mayWait: (ms) => right.mayWait(ms),
      isEnded: (instance) => whyEnded(instance, machines) !== undefined,
      pass: (stage, only, now, within) =>
        passes.pass({ config, ledger: now, scope: new NetworkScope(scopeParts, stage, only), writes, tables }, within),
    });
    const departed = await departures.see(tables, ledger, signal);
    findings.push(...departed.findings);
    const prepareParts = { cloud: this.#cloud.network, right, audit };
    findings.push(
      ...(await prepareInterfaces(prepareParts, believe([...looks.view.leases.values()]), machines, signal)),
    );
    const seen = departed.hasMoved ? undefined : tables;
    let made: CloudReport;
    try {
      made = await passes.pass({ config, ledger: departed.ledger, scope, writes, tables: seen }, signal);
      const mayGoOn = (): boolean => right.mayWait(0);
      await releaseTerminated({ ...this.#parts, looks, waiting, machines, networks, mayGoOn }, signal);
    } catch (error) {
      // What was found to wait goes on waiting, and nothing is known of the rest: a trouble that comes each time would else begin all waits anew.
      if (!signal.aborted) await waiting.save(new Set(), signal).catch(() => undefined);
      throw error;
    }
    await waiting.save(new Set([...tables.map(({ id }) => id), RELEASES]), signal);
    findings.push(...made.missing.map((id) => ({ code: 'CLOUD_NOT_FOUND' as const, message: missing(id, networks) })));
    return report(made);
  }
}

const missing = (id: string, networks: readonly string[]): string =>
  `there is no route table ${id} in ${networks.join(', ')} that may hold routes to interfaces: correct Weft.AWS.RouteTableID`;
