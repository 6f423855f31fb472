/** Scope of a node: the routes to its own subnet, in its own name. */
import type { Clock } from '../contracts/clock.ts';
import type { LedgerRow } from '../core/cloud-route.ts';
import { allowedTables, wantedRoutes } from '../core/desired-routes.ts';
import { printDuration } from '../core/duration.ts';
import type { Ledger } from '../core/ledger.ts';
import type { Lease, LeaseView } from '../core/lease.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import type { NodeId } from '../core/node-id.ts';
import { planRoutes, type RouteStep } from './cloud-plan.ts';
import type { CloudScope, Pace, SeenTable, StepHold } from './cloud-scope.ts';

export interface OwnInput {
  /** AWS: the VPC. */
  readonly network: string;
  readonly config: NetworkConfig;
  readonly view: Pick<LeaseView, 'leases' | 'expired'>;
  /** Generation of the `writer` record that is written under. */
  readonly generation: number;
  readonly node: NodeId;
  /** With what it advertises. */
  readonly lease: Lease;
  /** Is the lease ours, by what the store said a moment ago, and for so long? */
  readonly mayWrite: (deadlineMs: number, signal: AbortSignal) => Promise<boolean>;
  /** The lease was released: all routes of this node go, at once. Its quarantine keeps the subnet from others meanwhile. */
  readonly leaving?: boolean;
}

/** A route that is wanted no more goes when a look this much later agrees. */
const REMOVAL_HOLD_MS = 5 * 60_000;
const PACE: Pace = { rounds: 6, pauses: 6, atOnce: 1, roundMs: Infinity };
const HELD = 'the lease is not certain to outlast the call';

/** One for a process: it remembers since when the removal of each route has been wanted without a break. */
export class OwnRoutes {
  readonly #clock: Clock;
  #unwantedSince = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  scope(input: OwnInput): CloudScope {
    const { network, mayWrite, leaving } = input;
    return {
      networks: [network],
      pace: PACE,
      right: {
        mayWrite: async (_step, deadlineMs, signal) => ((await mayWrite(deadlineMs, signal)) ? undefined : HELD),
      },
      plan: (tables, ledger) => planOwn(input, tables, ledger),
      holds: (steps) => {
        this.#agree(steps);
        return (step) => (leaving === true || step.kind !== 'remove' ? undefined : this.#hold(step.key));
      },
    };
  }

  #agree(steps: readonly RouteStep[]): void {
    const since = new Map<string, number>();
    for (const { kind, key } of steps)
      if (kind === 'remove') since.set(key, this.#unwantedSince.get(key) ?? this.#clock.now());
    this.#unwantedSince = since;
  }

  #hold(key: string): StepHold | undefined {
    const since = this.#unwantedSince.get(key);
    const leftMs = since === undefined ? 0 : since + REMOVAL_HOLD_MS - this.#clock.now();
    if (leftMs <= 0) return undefined;
    const left = printDuration(Math.ceil(leftMs / 1000) * 1000);
    return { result: 'waiting', why: `no longer wanted; goes in ${left} if nothing changes` };
  }
}

function planOwn(
  { config, view, network, node, lease, generation, leaving }: OwnInput,
  tables: readonly SeenTable[],
  ledger: Ledger,
): RouteStep[] {
  const allowed = allowedTables(config.routeTables, tables).ids;
  const wanted = wantedRoutes({
    leases: view.leases.values(),
    expired: view.expired,
    network,
    tables: allowed,
    directInSubnet: config.paths.includes('direct'),
    of: lease,
  });
  const mine = lease.attributes.weft?.fabric?.target;
  const others = new Set([...view.leases.values()].flatMap(({ subnet, key }) => (key === lease.key ? [] : subnet.v4)));
  // A config that names no table that is there is somebody's mistake: nothing goes for that.
  const isMistake = allowed.size === 0 && tables.length > 0;
  // What the reconciler has put by its own opinion of who sends is its to take away: else the two would take turns.
  const isKept = (row: LedgerRow): boolean => isMistake || row.forOwner === true;
  const mayRemove = (row: LedgerRow): boolean =>
    row.destination === lease.subnet.v4
      ? row.epoch < lease.epoch || (row.epoch === lease.epoch && (leaving === true || !isKept(row)))
      : // A subnet that is another's now is his to write.
        row.node === node && row.target === mine && !others.has(row.destination);
  return planRoutes({ wanted: leaving === true ? [] : wanted, tables, ledger, generation, mayRemove }).map(takenOver);
}

/** What was put for an owner who wants it himself is his from then on: to keep while he wants it, to take away when no reconciler is there any more. */
function takenOver(step: RouteStep): RouteStep {
  if (step.kind !== 'keep' || step.row.forOwner !== true) return step;
  const { forOwner: _, ...row } = step.row;
  return { ...step, kind: 'adopt', row };
}
