/**
 * Scope of the reconciler: all routes of the network. Where nodes write their own, it is the janitor: it takes away what nobody is left to take away, puts
 * what an owner who lives has left unput for too long, and leaves the rest to them.
 */
import type { CloudRoute, CloudTable, LedgerRow } from '../core/cloud-route.ts';
import { allowedTables } from '../core/desired-routes.ts';
import { printDuration } from '../core/duration.ts';
import { isSubnetOf, type Belief, type DoubtedLease } from '../core/lease-belief.ts';
import type { Ledger } from '../core/ledger.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import type { Lease } from '../core/lease.ts';
import type { RouteWriter } from '../core/route-writer.ts';
import { contains, type Subnet } from '../core/subnet.ts';
import type { RouteQuota } from '../contracts/cloud-inventory.ts';
import type { AuditLog } from './audit-log.ts';
import type { RouteStep } from './cloud-plan.ts';
import type { CloudScope, Pace, SeenTable, StepHold } from './cloud-scope.ts';
import { withoutFutureEpochs } from './future-epochs.ts';
import { planNetwork, type RefusedRoute } from './network-plan.ts';
import { putForOwner } from './put-for-owner.ts';
import { isInterface } from './run-facts.ts';
import { judgeRemoval, type Removal, type RemovalFacts } from './removal-judge.ts';
import { bidRoutes, type Bid, type Bids } from './route-bids.ts';
import { removalHolds } from './removal-holds.ts';
import { RoomInTables } from './room-in-tables.ts';
import type { WriteRight } from './route-writer.ts';
import type { Waiting } from './waiting.ts';

export interface NetworkScopeParts {
  readonly networks: readonly string[];
  readonly config: NetworkConfig;
  readonly writer: RouteWriter;
  /** The ledger as the run found it. */
  readonly begun: Ledger;
  /** Whom to believe, by what the cloud said of machines when the run began. */
  believe(leases: readonly Lease[]): Belief;
  readonly quotas: ReadonlyMap<string, RouteQuota>;
  readonly removals: Omit<RemovalFacts, 'doubted' | 'mistrust' | 'range'>;
  readonly waiting: Waiting;
  readonly isDue: boolean;
  /** Machines that leave, and whose senders have had no time to do so yet: their routes stay. */
  readonly lingering?: ReadonlySet<string>;
  readonly adopt: boolean;
  readonly right: WriteRight & { mayWait(ms: number): boolean };
  readonly audit: Pick<AuditLog, 'add'>;
}

/**
 * - `tell`: senders to machines that leave are told, nothing else
 * - `take`: what leads to those is taken away, nothing else
 */
export type Stage = 'tell' | 'take' | 'all';

/** Store and cloud answer in some tens of milliseconds; the calls' own rate is the budget's. */
const AT_ONCE = 16;
/** Senders use a route when the ledger says that it stands: they need not wait for the last of thousands. */
const ROUND_MS = 60_000;
const PACES: Readonly<Record<Stage, Pace>> = {
  all: { rounds: 100, pauses: 5, atOnce: AT_ONCE, roundMs: ROUND_MS },
  tell: { rounds: 1, pauses: 0, atOnce: AT_ONCE, roundMs: Infinity },
  take: { rounds: 1, pauses: 0, atOnce: AT_ONCE, roundMs: Infinity },
};
/** An owner looks within seconds when anything is wrong, and tries again within two minutes when it was refused. */
const OWNER_FIRST_MS = 2 * 60_000;

/** One for a pass. */
export class NetworkScope implements CloudScope {
  readonly networks: readonly string[];
  readonly pace: Pace;
  readonly right: WriteRight;
  readonly #parts: NetworkScopeParts;
  readonly #stage: Stage;
  readonly #only: ReadonlySet<string> | undefined;
  #bids: Bids = { wanted: [], overflow: [], doubted: [], standing: new Map() };
  #belief: Belief = { believed: [], doubted: [] };
  #doubted: ReadonlyMap<Subnet, DoubtedLease> = new Map();
  #overflow: ReadonlySet<string> = new Set();
  #senders: ReadonlyMap<string, number> = new Map();
  #mistrust: string | undefined;
  #removals = new Map<string, Removal>();
  /** What this pass has taken away. */
  readonly #removed = new Set<string>();

  /** @param only of these machines alone; undefined: of all */
  constructor(parts: NetworkScopeParts, stage: Stage, only?: ReadonlySet<string>) {
    this.networks = parts.networks;
    this.right = parts.right;
    this.pace = PACES[stage];
    this.#parts = parts;
    this.#stage = stage;
    this.#only = only;
  }

  /** As it was planned last. */
  get bids(): Bids {
    return this.#bids;
  }

  get belief(): Belief {
    return this.#belief;
  }

  plan(tables: readonly SeenTable[], read: Ledger): readonly RouteStep[] {
    const { config, writer, adopt, removals } = this.#parts;
    const ledger = withoutFutureEpochs(read, removals.looks);
    const allowed = allowedTables(config.routeTables, tables).ids;
    const isOrphan = ({ id }: CloudTable, { destination, target, live }: CloudRoute): boolean =>
      adopt && !live && allowed.has(id) && isSubnetOf(config.v4, destination) && isInterface(target);
    const leases = [...removals.looks.view.leases.values()];
    this.#belief = this.#parts.believe(leases.filter(({ subnet }) => removals.looks.isAsJudged(subnet.v4)));
    this.#doubted = new Map(this.#belief.doubted.map((doubt) => [doubt.lease.subnet.v4, doubt]));
    this.#bids = bidRoutes({ ...this.#parts, belief: this.#belief, tables, ledger, isOrphan });
    this.#senders = new Map(this.#bids.wanted.map(({ key, senders }) => [key, senders]));
    this.#mistrust = this.#mistrustOf(this.#belief, allowed, tables);
    this.#overflow = new Set(this.#bids.overflow.map(({ key }) => key));
    const steps = planNetwork({
      wanted: this.#bids.wanted.map(({ route }) => route),
      // What an owner says in his row is his word; he hears of the quota from the cloud.
      refused: removals.ownersWrite
        ? []
        : [...this.#bids.doubted, ...this.#bids.overflow.map((bid) => this.#full(bid))],
      tables,
      ledger,
      generation: writer.generation,
      mayRemove: (row) => this.#mayRemove(row, tables),
      isOrphan,
    });
    this.#removals = new Map();
    return steps.flatMap((step) => this.#judged(step, tables));
  }

  holds(steps: readonly RouteStep[], tables: readonly SeenTable[]): (step: RouteStep) => StepHold | undefined {
    const reasons = this.#removalHolds(steps);
    const freed = steps.filter(({ kind, key }) => kind === 'remove' && !reasons.has(key));
    const room = new RoomInTables(tables, this.#parts.quotas, freed);
    const { ownersWrite } = this.#parts.removals;
    return (step) => {
      switch (step.kind) {
        case 'remove':
        case 'forget':
          return reasons.get(step.key);
        case 'create': {
          const hold = this.#ownerFirst(step) ?? room.take(step.row.table);
          return hold?.published === true && ownersWrite ? { ...hold, published: false } : hold;
        }
        case 'replace':
        case 'adopt':
          return this.#ownerFirst(step);
        case 'refuse':
          if (!ownersWrite) return undefined;
          return { result: 'refused', why: step.row.why ?? '', code: step.code, hint: step.hint };
        case 'keep':
        case 'leave':
          return undefined;
      }
    };
  }

  mayLookAgain(pauseMs: number): boolean {
    return this.#parts.right.mayWait(pauseMs);
  }

  async refresh(signal: AbortSignal): Promise<void> {
    const { looks, machines } = this.#parts.removals;
    await looks.within(0, signal);
    looks.rejudge(({ attributes }) => {
      const { node, fabric } = attributes.weft ?? {};
      if (node === undefined || fabric === undefined) return true;
      return machines.instances.has(node) && machines.interfaces.has(fabric.target);
    });
  }

  async done(step: RouteStep, how: 'created' | 'replaced' | 'removed' | 'adopted', signal: AbortSignal): Promise<void> {
    const { key, row, entry } = step;
    const { table, destination, node, epoch, target } = row;
    if (how === 'removed') this.#removed.add(key);
    // A row that only takes over the writer's generation, or the owner's new epoch, is no news of the route.
    if (how === 'adopted' && entry?.row?.state === 'committed' && entry.row.target === target) return;
    const before = step.kind === 'replace' || step.kind === 'remove' ? { before: step.expected } : {};
    const after = how === 'removed' ? {} : { after: target };
    await this.#parts.audit.add(
      { action: how, table, destination, ...before, ...after, node, epoch, why: this.#why(step) },
      signal,
    );
  }

  #why(step: RouteStep): string {
    const removal = this.#removals.get(step.key);
    if (removal?.kind === 'go') return removal.why;
    if (step.kind === 'adopt')
      return step.entry?.row?.state === 'intent'
        ? 'it was called for before, by whoever was cut before it could be said'
        : 'it stands as it ought to, and the ledger did not say so';
    const senders = this.#senders.get(step.key) ?? 0;
    const asked = `${senders} ${senders === 1 ? 'host sends' : 'hosts send'} by it`;
    return this.#parts.removals.ownersWrite ? `${asked}, and its owner has not written it` : asked;
  }

  #full(bid: Bid): RefusedRoute {
    const limit = this.#parts.quotas.get(bid.table)?.limit ?? 0;
    return {
      route: bid.route,
      why: `${bid.table} may hold ${limit} routes, and others have more senders`,
      code: 'ROUTE_TABLE_FULL',
      hint: 'Raise the quota of routes per route table, or give subnets more tables.',
      doubted: false,
    };
  }

  #mayRemove(row: LedgerRow, tables: readonly SeenTable[]): boolean {
    const { config, removals, networks } = this.#parts;
    if (!contains(config.v4.network, row.destination)) return false;
    if (tables.some(({ id }) => id === row.table)) return true;
    // A table that is not there is another network's, where there are others.
    const elsewhere = [...removals.looks.view.leases.values()].some(({ attributes }) => {
      const network = attributes.weft?.fabric?.network;
      return network !== undefined && !networks.includes(network);
    });
    return !elsewhere;
  }

  #judged(step: RouteStep, tables: readonly SeenTable[]): readonly RouteStep[] {
    const { leaving, ownersWrite } = this.#parts.removals;
    const isLeaving = (this.#only ?? leaving).has(step.row.node);
    if (step.kind !== 'remove' && step.kind !== 'forget')
      return this.#stage === 'all' || (this.#stage === 'tell' && isLeaving && step.kind === 'refuse')
        ? [ownersWrite ? putForOwner(step) : step]
        : [];
    if (this.#stage === 'tell' || (this.#stage === 'take' && !(isLeaving && step.kind === 'remove'))) return [];
    if (step.kind === 'remove' && step.entry === undefined) {
      this.#removals.set(step.key, {
        kind: 'go',
        cause: 'gone',
        why: 'a black hole that nobody knew, by a person\u2019s word',
      });
      return [step];
    }
    const standing = tables
      .find(({ id }) => id === step.row.table)
      ?.routes.find(({ destination }) => destination === step.row.destination);
    const live = step.kind === 'remove' ? standing : undefined;
    const { config, removals } = this.#parts;
    const facts = { ...removals, range: config.v4, doubted: this.#doubted, mistrust: this.#mistrust };
    const removal = judgeRemoval(step.row, live, this.#overflow.has(step.key), facts);
    if (removal.kind === 'leave') return [];
    const isThere = tables.some(({ id }) => id === step.row.table);
    this.#removals.set(step.key, isThere || removal.kind !== 'go' ? removal : elsewhere(step.row));
    if (step.kind === 'forget' || !ownersWrite || removal.kind !== 'go') return [step];
    // Whoever takes the subnet meanwhile meets this at the row, and looks again.
    const mark: LedgerRow = { ...step.row, state: 'refused', why: `it is being removed: ${removal.why}` };
    return [{ ...step, mark }];
  }

  #removalHolds(steps: readonly RouteStep[]): ReadonlyMap<string, StepHold> {
    const { waiting, isDue, begun, removals, lingering = new Set() } = this.#parts;
    let standing = 0;
    for (const count of this.#bids.standing.values()) standing += count;
    return removalHolds({
      steps,
      removals: this.#removals,
      removed: this.#removed,
      standing,
      waiting,
      isDue,
      lingering,
      begun,
      hasLease: ({ row }) => removals.looks.lease(row.destination) !== undefined,
    });
  }

  /** Why whatever a live owner's route is not wanted for may be a mistake; undefined: nothing looks like one. */
  #mistrustOf(
    { believed, doubted }: Belief,
    allowed: ReadonlySet<string>,
    tables: readonly SeenTable[],
  ): string | undefined {
    if (allowed.size === 0 && tables.length > 0) return 'the network config names no table that is there';
    const [first] = doubted;
    return believed.length > 0 || first === undefined ? undefined : `not one lease is believed, as where ${first.why}`;
  }

  #ownerFirst({ key, row }: RouteStep): StepHold | undefined {
    // What this run has taken away by mistake it puts back.
    if (!this.#parts.removals.ownersWrite || this.#removed.has(key)) return undefined;
    const { forMs } = this.#parts.waiting.wait(row.table, row.destination, 'missing');
    const leftMs = OWNER_FIRST_MS - forMs;
    if (leftMs <= 0) return undefined;
    return {
      result: 'waiting',
      why: `its owner is given ${printDuration(Math.ceil(leftMs / 1000) * 1000)} to write it`,
    };
  }
}

const elsewhere = ({ table }: LedgerRow): Removal => ({
  kind: 'go',
  cause: 'table-gone',
  why: `there is no route table ${table} here`,
});
