/**
 * The daemon between its start and its end: what comes from store, kernel and clock wakes the loop, the loop makes passes, and what a pass
 * has made ready goes into the lease.
 *
 *   store.watch ──► view ──┬─► config in force ─┐
 *                          ├─► keeper, rivals   ├─► loop ──► pass ──► receives ──► keeper ──► lease
 *   host.hints ──► uplink ─┴────────────────────┘
 */
import type { HostHint } from '../contracts/host-network.ts';
import type { ViewChange } from '../contracts/lease-store.ts';
import { asWeftError, WeftError } from '../core/errors.ts';
import type { HostFile } from '../core/host-entry.ts';
import type { Lease, LeaseView } from '../core/lease.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import { baseOf, type Subnet } from '../core/subnet.ts';
import type { Uplink } from '../core/uplink.ts';
import type { Self } from '../datapath/datapath.ts';
import { devicesOf } from '../datapath/host-basics.ts';
import { datapathsOf } from '../datapath/paths.ts';
import type { PassReport } from '../reconcile/pass-report.ts';
import type { AgentEnd, AgentParts } from './agent-parts.ts';
import { ExpiredLeases } from './expired-leases.ts';
import { findingOf, Findings } from './findings.ts';
import { leaseAttributes } from './lease-attributes.ts';
import { LeaseKeeper, type StandingWish } from './lease-keeper.ts';
import { cutOff, leave } from './leave.ts';
import { LiveConfig } from './live-config.ts';
import { LiveUplink } from './live-uplink.ts';
import { Loop } from './loop.ts';
import { OwnMemory } from './own-memory.ts';
import type { PassJournal } from './pass-journal.ts';
import { Passes, type PassSources } from './passes.ts';
import { patiently, type Patience } from './patiently.ts';
import { isElsewhere, mayHaveRival, Rivals } from './rivals.ts';
import { sideBySide, untilAborted } from './side-by-side.ts';
import type { Started } from './start.ts';
import type { TearDownParts } from './tear-down.ts';

/** Routes too: the default route chooses the device, and with it another one may come back that nobody watches meanwhile. */
const OF_UPLINK: ReadonlySet<HostHint> = new Set(['links', 'addresses', 'routes', 'everything']);

/** No prober yet: nobody is known to answer. */
const NOBODY: ReadonlySet<Subnet> = new Set();

type Ending = { readonly how: 'drain' } | { readonly how: 'fenced'; readonly why: string };

export class Running {
  readonly #parts: AgentParts;
  readonly #started: Started;
  readonly #findings: Findings;
  readonly #patience: Patience;
  readonly #config: LiveConfig;
  readonly #uplink: LiveUplink;
  readonly #keeper: LeaseKeeper;
  readonly #rivals: Rivals;
  readonly #expired: ExpiredLeases;
  readonly #memory: OwnMemory;
  readonly #passes: Passes;
  readonly #loop: Loop;
  readonly #drainAsked = new AbortController();
  /** Logged as findings are; status lists them by themselves. */
  readonly #skipped: Findings;
  readonly #mayHaveRival: boolean;
  #guardFiles: readonly HostFile[] = [];
  #view: LeaseView | undefined;

  constructor(parts: AgentParts, started: Started, findings: Findings, journal: PassJournal) {
    const { store, host, records, clock, random, log, options, state } = parts;
    const { self, incarnation, adopted, sentAt } = started;
    const { node } = state.remembered;
    const tools = { clock, random, log, findings };
    this.#parts = parts;
    this.#started = started;
    this.#findings = findings;
    this.#skipped = new Findings(log);
    this.#patience = tools;
    this.#mayHaveRival = mayHaveRival(adopted, self.uplink.publicIP, state.remembered.incarnation);
    this.#config = new LiveConfig(findings, self.config, started.stored);
    this.#uplink = new LiveUplink(
      { ...tools, host, choice: options.uplink, onChange: () => this.#wakeAll() },
      self.uplink,
    );
    this.#keeper = new LeaseKeeper(
      { ...tools, store, wish: () => this.#wish(), onClaim: () => this.#wakeAll() },
      { lease: self.lease, adopted, sentAt },
    );
    this.#rivals = new Rivals({
      ...tools,
      records,
      node,
      incarnation,
      reassert: () => this.#keeper.reassert(),
      onAlone: () => this.#wakeAll(),
    });
    this.#expired = new ExpiredLeases({ ...tools, store, own: () => this.lease, answering: () => NOBODY });
    this.#memory = new OwnMemory(state, findings, self.config.v4.network);
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

  get subnetFileWritten(): boolean {
    return this.#passes.subnetFileWritten;
  }

  get self(): Self {
    const { numbers, vtepMac } = this.#started.self;
    return {
      config: this.config,
      uplink: this.uplink,
      numbers,
      vtepMac,
      lease: this.lease,
      base: baseOf(this.lease.subnet.v4),
    };
  }

  wake(): void {
    this.#uplink.look();
    this.#wakeAll();
  }

  drain(): void {
    this.#drainAsked.abort();
  }

  /** @throws WeftError DUPLICATE_NODE_ID, NOT_PERMITTED, or ABORTED when the signal fires */
  async run(signal: AbortSignal): Promise<AgentEnd> {
    const ending = await this.#live(signal);
    if (ending.how === 'drain') {
      this.#keeper.drain();
      await leave(this.#parts, this.#standing(), this.#patience, signal);
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
    }
  }

  /** Each goes on until the signal fires; the first that ends otherwise ends the run. */
  #tasks(signal: AbortSignal): Promise<Ending>[] {
    const fenced = (why: string): Ending => ({ how: 'fenced', why });
    return [
      this.#watchStore(signal),
      this.#watchHost(signal),
      this.#loop.run(signal),
      this.#uplink.run(signal),
      this.#expired.run(signal),
      this.#keeper.run(signal).then(fenced),
      this.#rivals.run(this.#mayHaveRival, signal).then(fenced),
      this.#drainIsAsked(signal),
    ];
  }

  #drainIsAsked(signal: AbortSignal): Promise<Ending> {
    const asked = untilAborted(this.#drainAsked.signal).catch((): Ending => ({ how: 'drain' }));
    return Promise.race([asked, untilAborted(signal)]);
  }

  async #watchStore(signal: AbortSignal): Promise<never> {
    await this.#memory.keep(this.self, this.#started.incarnation);
    await this.#readGuardFiles();
    const onTrouble = (error: unknown): void => {
      if (error !== undefined) this.#expired.lostTouch();
      this.#findings.set('store', error === undefined ? [] : [findingOf(error)]);
    };
    for await (const change of this.#parts.store.watch(signal, onTrouble)) this.#see(change);
    throw new WeftError(signal.aborted ? 'ABORTED' : 'INTERNAL', 'the watch of the store has ended');
  }

  async #watchHost(signal: AbortSignal): Promise<never> {
    const follow = async (): Promise<never> => {
      this.#wakeAll();
      for await (const hint of this.#parts.host.hints(signal)) {
        this.#findings.clear('hints');
        if (OF_UPLINK.has(hint)) this.#uplink.look();
        this.#wakeAll();
      }
      throw new WeftError(
        signal.aborted ? 'ABORTED' : 'KERNEL_REFUSED',
        'the kernel gives no hints of changes; passes are made by the clock alone',
      );
    };
    return patiently('hints', follow, this.#patience, signal, () => !signal.aborted);
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
      else this.#rivals.see(stranger.incarnation);
    }
    this.#expired.see(view);
    if (reconfigured || changed === 'all') this.#loop.wake('all');
    else if (changed.size > 0) this.#loop.wake(changed);
  }

  #sources(): PassSources {
    if (this.#view === undefined) throw new WeftError('INTERNAL', 'a pass was asked for before the first view');
    return {
      self: this.self,
      view: this.#view,
      guardFiles: this.#guardFiles,
      previousNetwork: this.#memory.previousNetwork,
      answering: NOBODY,
    };
  }

  async #settle({ scope, receives, failed, held }: PassReport): Promise<void> {
    const { node } = this.#parts.state.remembered;
    const { adopted, incarnation } = this.#started;
    if (!this.#rivals.asking || !isElsewhere(adopted, this.uplink.publicIP))
      this.#keeper.advertise(leaseAttributes({ ...this.self, node, incarnation, receives }));
    if (scope === 'all' && failed.length === 0 && held.length === 0) await this.#memory.dropPrevious();
  }

  #standing(): TearDownParts {
    return {
      host: this.#parts.host,
      self: this.self,
      files: this.#guardFiles,
      previousNetwork: this.#memory.previousNetwork,
    };
  }

  async #readGuardFiles(): Promise<void> {
    try {
      this.#guardFiles = await this.#parts.guardFiles(devicesOf(this.self, datapathsOf(this.config.paths)));
      this.#findings.clear('files');
    } catch (error) {
      this.#findings.set('files', [findingOf(error)]);
    }
    this.#wakeAll();
  }

  /** Before the first view there is nothing to make a pass from, and with it comes the first pass. */
  #wakeAll(): void {
    if (this.#view !== undefined) this.#loop.wake('all');
  }

  #wish(): StandingWish {
    const { config, uplink } = this;
    const { node } = this.#parts.state.remembered;
    return { node, publicIP: uplink.publicIP, range: config.v4, within: [], ttlMs: config.leaseTtlMs };
  }
}
