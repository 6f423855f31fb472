/**
 * Passes over this host: observe, plan, diff, guard, apply, report. The first pass after a start is no different from any other.
 * A pass may look at a few leases alone, so that one new lease among thousands is cheap; the pass over all stays the truth.
 */
import type { Clock } from '../contracts/clock.ts';
import type { HostNetwork, HostObservation, HostScope } from '../contracts/host-network.ts';
import { diff, type Change } from '../core/diff.ts';
import { guard, INITIAL_GUARD, type Guarded, type GuardState } from '../core/guard.ts';
import {
  HOST_ENTRIES,
  hostEntryKey,
  linkIsRemade,
  linkUnder,
  type HostEntry,
  type HostFile,
} from '../core/host-entry.ts';
import { standbyMetric } from '../core/instance.ts';
import { parseLeaseKey } from '../core/lease-key.ts';
import type { Lease, LeaseKey, LeaseView } from '../core/lease.ts';
import type { PathName } from '../core/path.ts';
import type { Subnet } from '../core/subnet.ts';
import type { Datapath, Self } from '../datapath/datapath.ts';
import { firewallEntries, hostBasics } from '../datapath/host-basics.ts';
import { datapathsOf } from '../datapath/paths.ts';
import { planPeer, planPeers, type Choose, type Marks, type PeerPlan, type PlanParts } from '../datapath/plan.ts';
import { brokenPaths, knownFailures, refusing, sameBroken, type BrokenPaths } from './broken-paths.ts';
import { firewallKeys, hostScope, leftByFlanneld } from './host-scope.ts';
import { failuresOf, receivingPaths } from './pass-failures.ts';
import type { FailedChange, PassReport, PeerPath } from './pass-report.ts';
import { settlePaths } from './peer-paths.ts';
import { hasClaimedAgain, standingRoutes } from './standing-routes.ts';

export interface PassInput {
  readonly self: Self;
  readonly view: LeaseView;
  /** Leases that differ since the last pass, and whether the packet filter may; `all` after any other doubt: a hint of the kernel, a resync, another config, another uplink. */
  readonly changed: 'all' | ReadonlySet<LeaseKey | typeof FIREWALL>;
  /** subnet.env and the like. */
  readonly files: readonly HostFile[];
  /** Networks before changes, whose routes are still ours to remove. */
  readonly previousNetworks: readonly Subnet[];
  /** Subnets of peers that answered a probe lately: not removed, whatever the store says. */
  readonly answering: ReadonlySet<Subnet>;
  /** Which of the usable paths of a peer is taken. Asked at least once for each peer of the pass; it must go by what is known before the pass alone. */
  readonly choose: Choose;
  /** Stop after the diff. */
  readonly dryRun: boolean;
}

/** In place of a lease's key: the packet filter, for what comes of it by itself. */
export const FIREWALL = 'firewall';

/**
 * A burst of new leases is looked at alone too: what has nothing to do with it (settings, files, the firewall, which is asked by a program) waits for the
 * pass over all. More removals than this want the guard's whole view.
 */
const FEW_LEASES = 1024;
const FEW_REMOVALS = 10;

interface Planned {
  readonly scope: HostScope;
  readonly plans: ReadonlyMap<LeaseKey, PeerPlan>;
  /** Leases that were planned or are gone. */
  readonly looked: readonly LeaseKey[];
  readonly wanted: readonly HostEntry[];
  /** The packet filter is looked at. */
  readonly firewall: boolean;
}

export class HostPasses {
  readonly #host: HostNetwork;
  readonly #clock: Clock;
  #number = 0;
  #guard: GuardState = INITIAL_GUARD;
  #marks: Marks = { owners: new Map(), contested: false };
  #leases: ReadonlyMap<LeaseKey, Lease> = new Map();
  #receives: readonly PathName[] = [];
  /** At the start, and whenever something stood in the way of a route: another hand's, most likely. */
  #looksForLeft = true;
  #broken: BrokenPaths = new Map();
  readonly #paths = new Map<LeaseKey, PeerPath>();

  constructor(parts: { readonly host: HostNetwork; readonly clock: Clock }) {
    this.#host = parts.host;
    this.#clock = parts.clock;
  }

  /** One pass. Rejects, with nothing applied, when the host could not be observed. Never two at once. */
  async pass(input: PassInput, signal: AbortSignal): Promise<PassReport> {
    const startedMs = this.#clock.now();
    const paths = refusing(datapathsOf(input.self.config.paths), this.#broken);
    const few = this.#few(input);
    const { planned, observed } = await this.#look(input, paths, few, signal);
    const scope = planned.scope.only === undefined ? 'all' : planned.looked.length;
    const changes = diff(withoutRemade(observed.entries, planned.wanted), planned.wanted, HOST_ENTRIES).filter(isOurs);
    const { go, held, heldForMs } = this.#guardRemovals(input, planned, changes, observed.entries);
    const outcomes = input.dryRun || go.length === 0 ? [] : await this.#host.apply(go, signal);

    const failed = failuresOf(outcomes);
    const isKnown = knownFailures(input.self, paths, this.#broken);
    if (scope === 'all') this.#receives = receivingPaths(input.self, paths, failed);
    if (scope === 'all' || failed.length > 0)
      this.#looksForLeft = failed.some(({ change }) => change.op === 'put' && change.want.kind === 'route');
    const hasTurned = scope === 'all' && !input.dryRun && this.#learnBroken(input.self, paths, failed);
    this.#leases = input.view.leases;
    return {
      number: (this.#number += 1),
      scope,
      atMs: this.#clock.wallTime(),
      durationMs: this.#clock.now() - startedMs,
      moved: settlePaths(this.#paths, planned, held, this.#clock.wallTime()),
      peers: this.#paths,
      planned: changes,
      applied: outcomes.flatMap(({ change, error }) => (error === undefined ? [change] : [])),
      failed,
      triesAgain: !failed.every(isKnown),
      held,
      // By which paths peers can be reached is another matter now: the next pass plans by that.
      heldForMs: hasTurned ? 0 : heldForMs,
      receives: this.#receives,
      findings: [...input.view.findings, ...observed.findings],
      firewall: planned.firewall ? (observed.firewallIsSilent ? 'is silent' : 'tells of changes') : undefined,
    };
  }

  /** @returns whether others are broken than before */
  #learnBroken(self: Self, paths: readonly Datapath[], failed: readonly FailedChange[]): boolean {
    const before = this.#broken;
    this.#broken = brokenPaths(self, paths, failed);
    return !sameBroken(before, this.#broken);
  }

  /** Plans and what stands. A pass over all looks first: what is not chosen yet is chosen by what stands. */
  async #look(
    input: PassInput,
    paths: readonly Datapath[],
    few: ReadonlySet<LeaseKey | typeof FIREWALL> | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly planned: Planned; readonly observed: HostObservation }> {
    const planned = few === undefined ? undefined : this.#planFew(input, paths, few);
    if (planned !== undefined) return { planned, observed: await this.#host.observe(planned.scope, signal) };
    const basics = hostBasics(input.self, paths);
    const scope = {
      ...hostScope(input.self, basics, input.files, input.previousNetworks),
      ...(this.#looksForLeft ? leftByFlanneld(input.self, input.view) : {}),
    };
    const observed = await this.#host.observe(scope, signal);
    return { planned: this.#planAll(input, paths, basics, scope, observed.entries), observed };
  }

  /** The leases to look at when they are few enough to be looked at alone. */
  #few(input: PassInput): ReadonlySet<LeaseKey | typeof FIREWALL> | undefined {
    const { changed, view, self } = input;
    if (
      changed === 'all' ||
      this.#number === 0 ||
      this.#marks.contested ||
      changed.size > FEW_LEASES ||
      changed.has(self.lease.key)
    )
      return undefined;
    let removals = 0;
    for (const key of changed) if (key !== FIREWALL && !view.leases.has(key)) removals += 1;
    return removals > FEW_REMOVALS ? undefined : changed;
  }

  #planAll(
    { self, view, files, choose }: PassInput,
    paths: readonly Datapath[],
    basics: readonly HostEntry[],
    scope: HostScope,
    observed: readonly HostEntry[],
  ): Planned {
    const parts = { self, paths, choose, standing: standingRoutes(observed, this.#paths, view.leases) };
    const { peers: plans, marks, entries } = planPeers(parts, view.leases.values());
    this.#marks = marks;
    const looked = new Set<LeaseKey>([...plans.keys(), ...this.#paths.keys()]);
    return { scope, plans, looked: [...looked], wanted: basics.concat(files, entries), firewall: true };
  }

  /** Undefined when it turns out that these leases cannot be planned without the others. */
  #planFew(
    input: PassInput,
    paths: readonly Datapath[],
    changed: ReadonlySet<LeaseKey | typeof FIREWALL>,
  ): Planned | undefined {
    const { self, view, choose } = input;
    const firewall = changed.has(FIREWALL);
    const keys = new Set<LeaseKey>();
    for (const key of changed) if (key !== FIREWALL) keys.add(key);
    for (const key of keys) {
      const [before, now] = [this.#paths.get(key)?.peer, view.leases.get(key)];
      // Its route may stand still, from before its lease went: the path of that is taken, as at a start, so it has to be looked for.
      if (before !== undefined && now !== undefined && hasClaimedAgain(before, now)) return undefined;
    }
    // What is new stands nowhere yet, and of all others it is known what was chosen.
    const parts: PlanParts = { self, paths, choose, standing: new Map() };
    const before: HostEntry[] = [];
    for (const key of keys) {
      const gone = this.#leases.get(key);
      if (gone !== undefined) planPeer(parts, gone, { owners: new Map(), contested: false }, before);
    }
    for (const owners of this.#marks.owners.values())
      for (const [mark, owner] of owners) if (keys.has(owner.key)) owners.delete(mark);
    const plans = new Map<LeaseKey, PeerPlan>();
    const wanted: HostEntry[] = firewall ? firewallEntries(self) : [];
    for (const key of keys) {
      const lease = view.leases.get(key);
      if (lease === undefined) continue;
      plans.set(key, planPeer(parts, lease, this.#marks, wanted));
    }
    if (this.#marks.contested) return undefined;
    const routes = [...keys].flatMap((key) => [this.#leases.get(key), view.leases.get(key)]).flatMap(routesTo(paths));
    const only = new Set(
      [...before, ...wanted, ...routes].map(hostEntryKey).concat(firewall ? firewallKeys(self) : []),
    );
    const scope = { ...hostScope(self, [], [], input.previousNetworks), only };
    return { scope, plans, looked: [...keys], wanted, firewall };
  }

  #guardRemovals(
    input: PassInput,
    planned: Planned,
    changes: readonly Change<HostEntry>[],
    observed: readonly HostEntry[],
  ): Omit<Guarded, 'state'> {
    const { self, view, answering, dryRun } = input;
    if (view.leases.get(self.lease.key)?.epoch !== self.lease.epoch) {
      // A view without my own live lease is not to be trusted with removals: claim again first.
      const why = "this host's own lease is missing from the view";
      const held = changes.flatMap((change) => (change.op === 'remove' ? [{ change, why }] : []));
      return { go: changes.filter((change) => change.op === 'put'), held, heldForMs: undefined };
    }
    const { only } = planned.scope;
    const own = self.lease.subnet.v4;
    const unreadable = new Set(view.skipped.flatMap(({ key }) => parseLeaseKey(key)?.subnet.v4 ?? []));
    const nowMs = this.#clock.now();
    const guarded = guard(this.#guard, { changes, observed, only, own, answering, unreadable, nowMs });
    if (!dryRun) this.#guard = guarded.state;
    return guarded;
  }
}

/** What flanneld left is only ever replaced. */
const isOurs = (change: Change<HostEntry>): boolean =>
  change.op === 'put' || change.was.kind !== 'route' || change.was.left !== true;

/** All that may stand to a peer, in name: the route that stood by for a path that is taken now, or is refused, is in no plan any more. */
const routesTo =
  (paths: readonly Datapath[]) =>
  (lease: Lease | undefined): HostEntry[] =>
    lease === undefined
      ? []
      : [undefined, ...paths.map(({ name }) => standbyMetric(name))].map((metric) => ({
          kind: 'route',
          destination: lease.subnet.v4,
          link: '',
          onlink: false,
          metric,
        }));

/** What stands on a device that will be made anew goes with it, so it counts as absent. */
function withoutRemade(observed: readonly HostEntry[], wanted: readonly HostEntry[]): readonly HostEntry[] {
  const remade = new Set<string>();
  for (const want of wanted) {
    if (want.kind !== 'link') continue;
    const was = observed.find((entry) => entry.kind === 'link' && entry.name === want.name);
    if (was?.kind === 'link' && linkIsRemade(was, want)) remade.add(want.name);
  }
  if (remade.size === 0) return observed;
  // Its address goes with it, and with that every route that names it as its source, whatever device it is on (fib_sync_down_addr).
  const gone = new Set(
    observed.flatMap((entry) => (entry.kind === 'address' && remade.has(entry.link) ? [entry.address] : [])),
  );
  return observed.filter(
    (entry) =>
      !remade.has(linkUnder(entry) ?? '') &&
      !(entry.kind === 'route' && entry.source !== undefined && gone.has(entry.source)),
  );
}
