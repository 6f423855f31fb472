/**
 * This host's part in its cloud: where it stands, which table its subnet uses, what the ledger says of that table, and its own routes in others' tables.
 *
 *   Records 'ledger' ──► rows of my table ──► facts ──► judges of paths
 *   view, config ──► something to write? ──┐
 *   doubt, clock ──────────────────────────┴─► look ──► cloud pass ──► table, findings
 */
import type { CloudSelf } from '../contracts/cloud-network.ts';
import { tableOf, type CloudTable, type LedgerRow } from '../core/cloud-route.ts';
import type { Finding } from '../core/finding.ts';
import { countCommitted, foundRoom, readLedger, rowsOf, sameRows, type Ledger } from '../core/ledger.ts';
import type { Lease } from '../core/lease.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import type { RouteWriter } from '../core/route-writer.ts';
import type { Subnet } from '../core/subnet.ts';
import type { CloudFacts } from '../datapath/datapath.ts';
import type { CloudReport } from '../reconcile/cloud-report.ts';
import { Bell } from '../core/bell.ts';
import { endOf, overlapFindings, reportFindings, tableTrouble } from './cloud-findings.ts';
import { CloudSchedule, type LookEnd } from './cloud-schedule.ts';
import { placedLease, routeWishes } from './cloud-wishes.ts';
import { bearWitness } from './ledger-witness.ts';
import type { CloudKeeperParts, CloudStart } from './cloud-keeper-parts.ts';
import type { RouteCounts } from './facts.ts';
import { findingOf } from './findings.ts';
import { OwnAudit } from './own-audit.ts';
import { OwnPasses } from './own-passes.ts';
import { Forwarding } from './forwarding.ts';
import { refusals, refusedFindings } from './route-decisions.ts';
import { within } from './within.ts';
import { WriterWatch } from './writer-watch.ts';

/** The identity that is known is good enough when the metadata server does not say within this time that it is another. */
const IDENTITY_WAIT_MS = 10_000;
/** The ledger's feed may lag behind our own writes. */
const LEDGER_PATIENCE_MS = 30_000;
const WITHDRAW_MS = 20_000;

export class CloudKeeper {
  readonly #parts: CloudKeeperParts;
  readonly #schedule: CloudSchedule;
  readonly #passes: OwnPasses;
  readonly #forwarding: Forwarding;
  readonly #writer: WriterWatch;
  readonly #bell = new Bell();
  #self: CloudSelf | undefined;
  #table: string | undefined;
  #trouble: string | undefined;
  #tables: readonly CloudTable[] = [];
  #ledger: Ledger | undefined;
  #report: CloudReport | undefined;
  /** Routes that were wanted at the last look, whatever came of them. */
  #asked: ReadonlySet<string> = new Set();
  #facts: CloudFacts | undefined;

  constructor(parts: CloudKeeperParts, { self, table }: CloudStart) {
    this.#parts = parts;
    this.#schedule = new CloudSchedule(parts);
    this.#forwarding = new Forwarding(parts);
    const audit = new OwnAudit(parts);
    this.#writer = new WriterWatch({
      ...parts,
      audit,
      configured: () => parts.sources().config.routeWriter,
      ledger: () => this.#ledger ?? new Map(),
      onChange: (before) => this.#writerChanged(before !== undefined),
    });
    this.#passes = new OwnPasses({ ...parts, audit, writer: this.#writer });
    this.#self = self;
    this.#table = table;
    this.#refresh();
  }

  get facts(): CloudFacts | undefined {
    return this.#facts;
  }

  /** What the ledger says of the routes to this host's own subnet, by table. */
  get own(): readonly LedgerRow[] {
    const { v4 } = this.#parts.sources().lease.subnet;
    const rows = [...(this.#ledger?.values() ?? [])].flatMap(({ row }) => (row?.destination === v4 ? row : []));
    return rows.toSorted((a, b) => (a.table < b.table ? -1 : 1));
  }

  /** Who writes routes. */
  get writer(): RouteWriter {
    return this.#writer.value;
  }

  get counts(): RouteCounts {
    return { asked: this.#wanted().size, refused: refusals(this.own, this.#report?.outcomes ?? new Map()) };
  }

  /** Before the ledger is read every route in it would be judged absent. */
  get ready(): boolean {
    return this.#ledger !== undefined;
  }

  /** View or config is another. */
  see(): void {
    this.#writer.see();
    const wanted = this.writer.mode === 'node' ? this.#wanted() : [];
    if ([...wanted].some((route) => !this.#asked.has(route))) this.#schedule.spread(this.#nodes());
    this.#bell.ring();
  }

  /** A probe says that a route does not carry what it should. */
  doubt(): void {
    this.#schedule.doubt(this.#nodes());
    this.#bell.ring();
  }

  wake(): void {
    this.#forwarding.doubt();
    this.#schedule.now();
    this.#bell.ring();
  }

  /** Takes this host's routes away, as far as it can be done soon: the lease is released, and nobody sends any more. Only after `run` has ended. */
  async withdraw(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const self = this.#self;
    if (self === undefined) return;
    try {
      await within(clock, WITHDRAW_MS, signal, (soon) => this.#pass(self, true, soon));
      if (this.writer.mode === 'reconciler')
        log.info({ count: this.own.length }, 'cloud routes are left to the reconciler');
    } catch (error) {
      if (signal.aborted) throw error;
      const { code, message } = findingOf(error);
      log.warn({ code, error: message }, 'cloud routes of this host stay behind');
    }
  }

  /** Runs until the signal fires (ABORTED). */
  async run(signal: AbortSignal): Promise<never> {
    const [never] = await Promise.all([
      this.#followClock(signal),
      this.#followLedger(signal),
      this.#writer.run(signal),
    ]);
    return never;
  }

  async #followClock(signal: AbortSignal): Promise<never> {
    const { clock } = this.#parts;
    for (;;) {
      if (this.#ledger === undefined || this.#parts.sources().view === undefined)
        await this.#bell.wait(clock, Infinity, signal);
      else if (this.#schedule.waitMs > 0) await this.#bell.wait(clock, this.#schedule.waitMs, signal);
      else await this.#look(signal);
    }
  }

  async #followLedger(signal: AbortSignal): Promise<void> {
    for await (const { records, skipped } of this.#parts.records.watch('ledger', signal)) {
      const before = this.#ledger;
      this.#ledger = readLedger(records.values(), skipped);
      const old = this.#facts?.rows ?? new Map<Subnet, LedgerRow>();
      this.#refresh();
      this.#tellDecisions();
      // What another hand decides is no news to look for.
      if (before !== undefined && this.writer.mode === 'node') this.#judgeLedger(before, this.#ledger);
      if (before === undefined || !sameRows(old, this.#facts?.rows ?? new Map())) this.#parts.onChange();
      this.#bell.ring();
    }
  }

  /** Another hand in the ledger: a row of ours that is not as the last look left it, or room in a table that was full: a slot came free, or another's route found one. */
  #judgeLedger(before: Ledger, now: Ledger): void {
    let isWrong = false;
    for (const { key, row, result, code } of this.#report?.outcomes.values() ?? []) {
      const said = now.get(key)?.row;
      if (result === 'refused' && code === 'ROUTE_TABLE_FULL') {
        if (countCommitted(now, row.table) < countCommitted(before, row.table)) this.#schedule.spread(this.#nodes());
        if (foundRoom(before, now, row)) this.#schedule.spread(this.#nodes());
      }
      const stood = result === 'kept' || result === 'adopted' || result === 'created' || result === 'replaced';
      if (stood && (said?.state !== 'committed' || said.target !== row.target || said.epoch !== row.epoch))
        isWrong = true;
    }
    this.#schedule.suspect(isWrong, LEDGER_PATIENCE_MS);
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { findings, records, node } = this.#parts;
    const found: Finding[] = [];
    await this.#identify(found, signal);
    if (this.#schedule.doubted) this.#forwarding.doubt();
    const isPrepared = await this.#forwarding.ensure(this.#self?.identity.target, this.writer.mode, found, signal);
    // Whatever came up until here, the tables are read after it: it makes no look of its own.
    const { doubted } = this.#schedule;
    this.#schedule.begin();
    this.#asked = this.#wanted();
    let end: LookEnd = 'troubled';
    try {
      if (this.#self !== undefined) {
        const { config } = this.#parts.sources();
        const { identity, networkRanges } = this.#self;
        found.push(...overlapFindings(config.v4.network, networkRanges, identity));
        const report = await this.#pass(this.#self, false, signal);
        found.push(...reportFindings(report, identity, config));
        this.#take(report, this.#self, config);
        if (doubted) await bearWitness(records, { node, identity, ...report }, signal);
        if (found.some(({ code }) => code === 'CLOUD_DENIED')) end = 'refused';
        if (isPrepared && found.every(({ code }) => code !== 'CLOUD_UNREACHABLE')) end = endOf(report);
      }
    } catch (error) {
      if (signal.aborted) throw error;
      if (doubted) this.#schedule.stillDoubted();
      found.push(findingOf(error));
    }
    findings.set('cloud', found);
    this.#schedule.end(end, this.#nodes());
  }

  async #identify(found: Finding[], signal: AbortSignal): Promise<void> {
    const { cloud, clock, log, sources, onChange } = this.#parts;
    try {
      const self = await within(clock, IDENTITY_WAIT_MS, signal, (soon) => cloud.identify(sources().address, soon));
      if (self === undefined && this.#self === undefined)
        found.push({ code: 'CLOUD_UNREACHABLE', message: 'the metadata server does not answer; it is asked again' });
      if (self === undefined || JSON.stringify(self) === JSON.stringify(this.#self)) return;
      const { target, subnet } = self.identity;
      log.info({ entry: target, subnet, why: this.#self?.identity.target }, 'cloud interface of this host is another');
      this.#self = self;
      this.#refresh();
      onChange();
    } catch (error) {
      if (signal.aborted) throw error;
      found.push(findingOf(error));
    }
  }

  #pass({ identity }: CloudSelf, leaving: boolean, signal: AbortSignal): Promise<CloudReport> {
    const lease = this.#ownLease({ identity });
    return this.#passes.pass({ network: identity.network, ledger: this.#ledger ?? new Map(), lease, leaving }, signal);
  }

  #writerChanged(isOther: boolean): void {
    if (isOther && this.writer.mode === 'node') this.#schedule.spread(this.#nodes());
    this.#tellDecisions();
    this.#bell.ring();
  }

  #tellDecisions(): void {
    const { findings } = this.#parts;
    findings.set('routes', this.writer.mode === 'node' ? [] : refusedFindings(this.own));
  }

  #take(report: CloudReport, { identity }: CloudSelf, config: NetworkConfig): void {
    const { log, onChange } = this.#parts;
    this.#report = report;
    this.#tables = report.tables;
    this.#asked = new Set([...this.#asked, ...this.#wanted()]);
    const table = tableOf(report.tables, identity.subnet)?.id;
    const trouble = tableTrouble(report, identity, config);
    if (table !== this.#table)
      log.info({ entry: table, why: this.#table }, "route table of this host's subnet is another");
    const changed = table !== this.#table || trouble !== this.#trouble;
    this.#table = table;
    this.#trouble = trouble;
    this.#refresh();
    if (changed) onChange();
  }

  #ownLease({ identity }: Pick<CloudSelf, 'identity'>): Lease {
    return placedLease(this.#parts.sources().lease, identity, this.#table);
  }

  #wanted(): ReadonlySet<string> {
    const { config, view } = this.#parts.sources();
    if (this.#self === undefined || view === undefined) return new Set();
    return routeWishes({ config, view, tables: this.#tables, lease: this.#ownLease(this.#self) });
  }

  #nodes(): number {
    return this.#parts.sources().view?.leases.size ?? 1;
  }

  #refresh(): void {
    this.#facts =
      this.#self === undefined
        ? undefined
        : {
            identity: this.#self.identity,
            table: this.#table,
            trouble: this.#trouble,
            rows: rowsOf(this.#ledger ?? new Map(), this.#table),
          };
  }
}
