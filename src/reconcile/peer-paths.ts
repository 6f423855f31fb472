/** Which path each peer is on and since when, carried from pass to pass. */
import type { HeldChange } from '../core/guard.ts';
import type { LeaseKey } from '../core/lease.ts';
import type { PeerPlan } from '../datapath/plan.ts';
import type { Move, PeerPath } from './pass-report.ts';

const pathOf = (plan: PeerPlan, before: PeerPath | undefined, nowMs: number): PeerPath => ({
  peer: plan.peer,
  path: plan.path,
  usable: plan.usable,
  chosen: plan.chosen,
  stood: plan.stood,
  mtuBytes: plan.mtuBytes,
  sinceMs: before?.path === plan.path ? before.sinceMs : nowMs,
  refused: plan.refused,
});

/**
 * Writes what was planned into `paths` and tells what moved. A peer whose lease is gone while the removal of its route is held is still reached,
 * so it stays.
 * @param planned `looked` are the leases that were planned and those that are gone, which have no plan.
 */
export function settlePaths(
  paths: Map<LeaseKey, PeerPath>,
  planned: { readonly plans: ReadonlyMap<LeaseKey, PeerPlan>; readonly looked: Iterable<LeaseKey> },
  held: readonly HeldChange[],
  nowMs: number,
): Move[] {
  const kept = new Set(
    held.flatMap(({ change }) => {
      if (change.op === 'put') return [];
      if (change.was.kind === 'extension') return change.was.subnet;
      return change.was.kind === 'route' ? change.was.destination : [];
    }),
  );
  const moved: Move[] = [];
  for (const key of planned.looked) {
    const before = paths.get(key);
    const plan = planned.plans.get(key);
    if (plan !== undefined) {
      if (before?.path !== plan.path) moved.push({ peer: plan.peer, was: before?.path, is: plan.path });
      paths.set(key, pathOf(plan, before, nowMs));
    } else if (before !== undefined && !kept.has(before.peer.subnet.v4)) {
      moved.push({ peer: before.peer, was: before.path, is: undefined });
      paths.delete(key);
    }
  }
  return moved;
}
