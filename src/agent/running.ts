/**
 * The daemon between its start and its end: what comes from store, kernel and clock wakes the loop, the loop makes passes, and what a pass
 * has made ready goes into the lease.
 *
 *   store.watch ──► view ──┬─► config in force ─┐
 *                          ├─► keeper, rivals   ├─► loop ──► pass ──► receives ──► keeper ──► lease
 *   host.hints ──► uplink ─┴────────────────────┘
 */
import type { ViewChange } from '../contracts/lease-store.ts';
import { asWeftError, WeftError } from '../core/errors.ts';
import type { Lease, LeaseView } from '../core/lease.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import { baseOf } from '../core/subnet.ts';
import type { Uplink } from '../core/uplink.ts';
import type { Self } from '../datapath/datapath.ts';
import type { PassReport } from '../reconcile/pass-report.ts';
import type { AgentEnd, AgentParts } from './agent-parts.ts';
import { companions, type Begun, type Companions } from './companions.ts';
import { drainAsked, fenced, lost, type Ending } from './ending.ts';
import { findingOf, Findings } from './findings.ts';
import { GuardFiles } from './guard-files.ts';
import { leaseAttributes } from './lease-attributes.ts';
import { LeaseKeeper, type StandingWish } from './lease-keeper.ts';
import { cutOff, leave } from './leave.ts';
import { LiveConfig } from './live-config.ts';
import { LiveUplink } from './live-uplink.ts';
import { Loop } from './loop.ts';
import { OwnMemory } from './own-memory.ts';
import type { PassJournal } from './pass-journal.ts';
import { Passes, type PassSources } from './passes.ts';
import type { Patience } from './patiently.ts';
import { sentAway } from './sent-away.ts';
import { isElsewhere, mayHaveRival } from './rivals.ts';
import { sideBySide } from './side-by-side.ts';
import type { TearDownParts } from './tear-down.ts';
import { watchHost } from './watch-host.ts';

export class Running {
  readonly #parts: AgentParts;
  readonly #started: Begun;
  readonly #findings: Findings;
  readonly #patience: Patience;
  readonly #config: LiveConfig;
  readonly #uplink: LiveUplink;
  readonly #keeper: LeaseKeeper;
  readonly #beside: Companions;
  readonly #memory: OwnMemory;
  readonly #passes: Passes;
  readonly #loop: Loop;
  readonly #drainAsked = new AbortController();
  /** Logged as findings are; status lists them by themselves. */
  readonly #skipped: Findings;
  readonly #mayHaveRival: boolean;
  readonly #guardFiles: GuardFiles;
  #view: LeaseView | undefined;

  constructor(parts: AgentParts, started: Begun, findings: Findings, journal: PassJournal) {
    const { store, host, clock, random, log, options, state } = parts;
    const { self, adopted, sentAt } = started;
    const tools = { clock, random, log, findings };
    this.#parts = parts;
    this.#started = started;
    this.#findings = findings;
    this.#skipped = new Findings(log);
    this.#patience = tools;
    this.#mayHaveRival = mayHaveRival(adopted, self.uplink.publicIP, state.remembered.incarnation);
    this.#guardFiles = new GuardFiles(parts, findings);
    this.#config = new LiveConfig(findings, self.config, started.stored);
    this.#uplink = new LiveUplink(
      { ...tools, host, choice: options.uplink, onChange: () => this.#uplinkChanged() },
      self.uplink,
    );
    this.#keeper = new LeaseKeeper(
      {
        ...tools,
        store,
        options,
        wish: () => this.#wish(),
        onClaim: () => this.#wakeAll(),
        sentAway: (until) => sentAway(parts.records, started.cloudSelf?.instance ?? state.remembered.node, until),
      },
      { lease: self.lease, adopted, sentAt },
    );
    this.#beside = companions(parts, started, findings, {
      keeper: this.#keeper,
      self: () => this.self,
      view: () => this.#view,
      wake: (changed) => this.#loop.wake(changed),
      wakeAll: () => this.#wakeAll(),
    });
    this.#memory = new OwnMemory(state, findings, self.config.v4.network, started.othersNetworks);
    this.#passes = new Passes(
      {
        host,
        clock,
        options,
        findings,
        journal,
        guardFindings: () => parts.guardFindings?.() ?? [],
        sources: () => this.#sources(),
        onReport: (report) => this.#settle(report),
      },
      started.subnetFileWritten,
    );
    this.#loop = new Loop({
      clock,
      random,
      resyncMs: options.resyncMs,
      pass: (changed, signal) => this.#passes.make(changed, signal),
    });
  }

  get config(): NetworkConfig {
    return this.#config.value;
  }

  get uplink(): Uplink {
    return this.#uplink.value;
  }

  get lease(): Lease {
    return this.#keeper.lease;
  }

  get keeper(): Pick<LeaseKeeper, 'phase' | 'unready' | 'renewals'> {
    return this.#keeper;
  }

  get view(): LeaseView | undefined {
    return this.#view;
  }

  get beside(): Companions {
    return this.#beside;
  }

  get passes(): Pick<Passes, 'subnetFileWritten' | 'busySinceMs'> {
    return this.#passes;
  }

  get self(): Self {
    const { config, uplink, lease } = this;
    const cloud = this.#beside.cloud?.facts;
    const place = cloud === undefined ? {} : { cloud };
    return { ...this.#started.self, config, uplink, lease, base: baseOf(lease.subnet.v4), ...place };
  }

  wake(): void {
    this.#uplink.look();
    this.#beside.cloud?.wake();
    this.#wakeAll();
  }

  #uplinkChanged(): void {
    this.#beside.cloud?.wake();
    this.#wakeAll();
  }

  drain(): void {
    this.#drainAsked.abort();
  }

  /** @throws WeftError DUPLICATE_NODE_ID, NOT_PERMITTED, or ABORTED when the signal fires */
  async run(signal: AbortSignal): Promise<AgentEnd> {
    const ending = await this.#live(signal);
    if (ending.how === 'drain') {
      if (ending.why !== undefined) this.#parts.log.info({ why: ending.why }, 'sent away');
      this.#keeper.drain();
      const withdraw = async (until: AbortSignal): Promise<void> => this.#beside.cloud?.withdraw(until);
      await leave(this.#parts, this.#standing(), withdraw, this.#patience, signal);
      return { how: 'drained' };
    }
    await cutOff(this.#parts, this.#standing(), this.#patience, signal);
    return ending;
  }

  async #live(signal: AbortSignal): Promise<Ending> {
    try {
      return await sideBySide((ending) => this.#tasks(ending), signal);
    } catch (error) {
      if (asWeftError(error).code === 'DUPLICATE_NODE_ID')
        await cutOff(this.#parts, this.#standing(), this.#patience, signal);
      throw error;
    } finally {
      // We go for good: peers whom we still answer would keep their ways to us.
      if (!signal.aborted) await this.#parts.probe.forget(signal).catch(() => {});
    }
  }

  /** Each goes on until the signal fires; the first that ends otherwise ends the run. */
  #tasks(signal: AbortSignal): Promise<Ending>[] {
    return [
      this.#watchStore(signal),
      this.#watchHost(signal),
      this.#loop.run(signal),
      this.#beside.prober.run(signal),
      ...(this.#beside.cloud === undefined ? [] : [this.#beside.cloud.run(signal)]),
      this.#uplink.run(signal),
      this.#beside.expired.run(signal),
      this.#beside.firewall.run(signal),
      this.#keeper.run(signal).then(lost),
      this.#beside.rivals.run(this.#mayHaveRival, signal).then(fenced),
      drainAsked(this.#drainAsked.signal, signal),
    ];
  }

  async #watchStore(signal: AbortSignal): Promise<never> {
    await this.#memory.keep(this.self, this.#started.incarnation);
    await this.#readGuardFiles();
    const onTrouble = (error: unknown): void => {
      if (error !== undefined) this.#beside.expired.lostTouch();
      this.#findings.set('store', error === undefined ? [] : [findingOf(error)]);
    };
    for await (const change of this.#parts.store.watch(signal, onTrouble)) this.#see(change);
    throw new WeftError(signal.aborted ? 'ABORTED' : 'INTERNAL', 'the watch of the store has ended');
  }

  #watchHost(signal: AbortSignal): Promise<never> {
    const onHint = (of: 'uplink' | 'firewall' | 'other'): void => {
      if (of === 'uplink') this.#uplink.look();
      if (of === 'firewall') this.#beside.firewall.look();
      else this.#wakeAll();
    };
    return watchHost(this.#parts.host, onHint, this.#patience, signal);
  }

  #see({ view, changed }: ViewChange): void {
    this.#view = view;
    this.#findings.set('view', view.findings);
    this.#skipped.set(
      'leases',
      view.skipped.map(({ key, why }) => ({ code: 'BAD_LEASE', message: `${key}: ${why}` })),
    );
    const others = view.leases.size - (view.leases.has(this.lease.key) ? 1 : 0);
    const reconfigured = this.#config.see(view.config, others);
    if (reconfigured) void this.#readGuardFiles();
    const stranger = this.#keeper.see(view)?.attributes.weft;
    if (stranger?.node === this.#parts.state.remembered.node) {
      if (stranger.incarnation === this.#started.incarnation) this.#keeper.reassert();
      else this.#beside.rivals.see(stranger.incarnation);
    }
    this.#beside.expired.see(view);
    this.#beside.cloud?.see();
    if (!this.#isReady) return;
    if (reconfigured || changed === 'all') this.#loop.wake('all');
    else if (changed.size > 0) this.#loop.wake(changed);
  }

  #sources(): PassSources {
    if (this.#view === undefined) throw new WeftError('INTERNAL', 'a pass was asked for before the first view');
    return {
      self: this.self,
      view: this.#view,
      guardFiles: this.#guardFiles.value,
      previousNetworks: this.#memory.previousNetworks,
      answering: this.#beside.prober.choices.answering,
      choose: this.#beside.prober.choices.choose,
    };
  }

  async #settle(report: PassReport): Promise<void> {
    const { receives } = report;
    const { node } = this.#parts.state.remembered;
    this.#beside.prober.settle(report);
    this.#beside.firewall.settle(report);
    const { adopted, incarnation } = this.#started;
    if (!this.#beside.rivals.asking || !isElsewhere(adopted, this.uplink.publicIP)) {
      const { advert: probe } = this.#beside.prober;
      this.#keeper.advertise(leaseAttributes({ ...this.self, node, incarnation, receives, probe }));
    }
    await this.#memory.settle(report);
  }

  #standing(): TearDownParts {
    const { previousNetworks } = this.#memory;
    return { host: this.#parts.host, self: this.self, files: this.#guardFiles.value, previousNetworks };
  }

  async #readGuardFiles(): Promise<void> {
    await this.#guardFiles.read(this.self);
    this.#wakeAll();
  }

  /** Before the first view there is nothing to make a pass from, and before the ledger is read every cloud route would seem to be gone. */
  get #isReady(): boolean {
    return this.#view !== undefined && this.#beside.cloud?.ready !== false;
  }

  #wakeAll(): void {
    if (this.#isReady) this.#loop.wake('all');
  }

  #wish(): StandingWish {
    const { config, uplink } = this;
    const { node } = this.#parts.state.remembered;
    return { node, publicIP: uplink.publicIP, range: config.v4, within: [], ttlMs: config.leaseTtlMs };
  }
}
