/**
 * Holds back removals that look like a mistake: the store lost its data, somebody cleared a prefix, a view came out wrong. A host that forgets its
 * peers cuts its containers off at once; one that keeps a dead peer's route for a minute harms nobody.
 *
 * What is counted are peers, by the route of their traffic, or by the command that has added them. Whatever a held route stands on (gateway's neighbour entry, the entry of its MAC,
 * device, source address, routes of the same peer that stand by) is held with it. Nothing is ever dropped: a change goes or is held, and a
 * held one comes again with the next diff for as long as it is wanted. Puts are never held, nor is a removal that makes room for one.
 */
import type { Change } from './diff.ts';
import { hostEntryKey, type HostEntry } from './host-entry.ts';
import { intervalOf, touches, union } from './interval-set.ts';
import { printDuration } from './duration.ts';
import type { Subnet } from './subnet.ts';

/** Fewer removals than this are everyday life: a rack going down. */
const PLAUSIBLE = 10;
/** Time for a person or the store to put it right. */
const HOLD_MS = 60_000;

export interface GuardInput {
  readonly changes: readonly Change<HostEntry>[];
  /** What stands on the host, as the changes were computed from it. */
  readonly observed: readonly HostEntry[];
  /** The keys that the pass looked at, when it did not look at all. */
  readonly only?: ReadonlySet<string> | undefined;
  /** This host's own subnet. A route of ours that overlaps it is wrong whoever lost it. */
  readonly own?: Subnet | undefined;
  /** Peers that answer probes: alive, whatever the store says. */
  readonly answering: ReadonlySet<Subnet>;
  /** Under whose keys something stands that cannot be read. It is no word of their owners, and until somebody removes it nobody else gets them. */
  readonly unreadable?: ReadonlySet<Subnet>;
  /** Of the monotonic clock. */
  readonly nowMs: number;
}

/** What is remembered from one pass to the next. */
export interface GuardState {
  /** Since when the removal of each peer has been wanted without a break. */
  readonly wantedSince: ReadonlyMap<Subnet, number>;
  /** How many peers had a route when all was looked at last. */
  readonly standing: number;
}

export const INITIAL_GUARD: GuardState = { wantedSince: new Map(), standing: 0 };

export interface HeldChange {
  readonly change: Change<HostEntry>;
  readonly why: string;
}

export interface Guarded {
  /** To be applied, in the order given. */
  readonly go: readonly Change<HostEntry>[];
  readonly held: readonly HeldChange[];
  readonly state: GuardState;
  /** How long until the next held removal may go by mere time. */
  readonly heldForMs: number | undefined;
}

/** The peer whose traffic goes by this entry. */
function peerOf(entry: HostEntry): Subnet | undefined {
  if (entry.kind === 'route') return entry.metric === undefined ? entry.destination : undefined;
  return entry.kind === 'extension' ? entry.subnet : undefined;
}

export function guard(before: GuardState, input: GuardInput): Guarded {
  const { changes, observed, only, answering, unreadable, nowMs } = input;
  const lost = lostPeers(input);
  const wantedSince = new Map<Subnet, number>();
  for (const [subnet, since] of before.wantedSince) if (isOutOfSight(subnet, input)) wantedSince.set(subnet, since);
  for (const subnet of lost) wantedSince.set(subnet, before.wantedSince.get(subnet) ?? nowMs);

  // Peers out of this pass's sight whose removal waits count too: a mistake that comes in portions is one mistake.
  const standing =
    only === undefined ? observed.filter((entry) => peerOf(entry) !== undefined).length : before.standing;
  const implausible = wantedSince.size > PLAUSIBLE && wantedSince.size * 2 > standing;
  const reasons = new Map<Subnet, string>();
  let heldForMs: number | undefined;
  for (const [subnet, since] of wantedSince) {
    const leftMs = since + HOLD_MS - nowMs;
    if (answering.has(subnet)) reasons.set(subnet, 'its lease is gone, but it still answers probes');
    else if (unreadable?.has(subnet) === true) {
      reasons.set(subnet, 'what stands in the store for it cannot be read');
      heldForMs = Math.min(heldForMs ?? HOLD_MS, HOLD_MS);
    } else if (implausible && leftMs > 0) {
      reasons.set(
        subnet,
        `removing ${wantedSince.size} of ${standing} peers looks like a mistake: held for ${printDuration(leftMs)} more`,
      );
      heldForMs = Math.min(heldForMs ?? leftMs, leftMs);
    }
  }
  const state: GuardState = { wantedSince, standing };
  if (reasons.size === 0) return { go: changes, held: [], state, heldForMs };

  const reasonFor = holder(changes, reasons);
  const go: Change<HostEntry>[] = [];
  const held: HeldChange[] = [];
  for (const change of changes) {
    const why = change.op === 'remove' ? reasonFor(change.was) : undefined;
    if (why === undefined) go.push(change);
    else held.push({ change, why });
  }
  return { go, held, state, heldForMs };
}

/** Peers whose route goes without anything taking its place. */
function lostPeers({ changes, own }: GuardInput): Set<Subnet> {
  const lost = new Set<Subnet>();
  for (const change of changes) {
    const subnet = change.op === 'remove' ? peerOf(change.was) : undefined;
    if (subnet !== undefined) lost.add(subnet);
  }
  // The first pass of a large cluster puts thousands and removes none.
  if (lost.size === 0) return lost;
  const arriving = changes.flatMap((change) => (change.op === 'put' ? (peerOf(change.want) ?? []) : []));
  const claimed = union([...arriving, ...(own === undefined ? [] : [own])].map(intervalOf));
  for (const subnet of lost) if (touches(claimed, intervalOf(subnet))) lost.delete(subnet);
  return lost;
}

/** A pass that looked at a few keys says nothing about the others: their removal is wanted still. */
const isOutOfSight = (subnet: Subnet, { only }: GuardInput): boolean =>
  only !== undefined &&
  !only.has(hostEntryKey({ kind: 'route', destination: subnet, link: '', onlink: false })) &&
  !only.has(`extension ${subnet}`);

/** For each entry to be removed: why it is held, if a held route stands on it. */
function holder(
  changes: readonly Change<HostEntry>[],
  reasons: ReadonlyMap<Subnet, string>,
): (entry: HostEntry) => string | undefined {
  const removed = changes.flatMap((change) => (change.op === 'remove' ? [change.was] : []));
  const links = new Map<string, string>();
  const sources = new Map<string, string>();
  const gateways = new Map<string, string>();
  const macs = new Map<string, string>();
  for (const entry of removed) {
    const why = entry.kind === 'route' ? reasons.get(entry.destination) : undefined;
    if (entry.kind !== 'route' || why === undefined) continue;
    links.set(entry.link, why);
    if (entry.source !== undefined) sources.set(entry.source, why);
    if (entry.via !== undefined) gateways.set(`${entry.link} ${entry.via}`, why);
  }
  for (const entry of removed) {
    const why = entry.kind === 'neighbour' ? gateways.get(`${entry.link} ${entry.address}`) : undefined;
    if (entry.kind === 'neighbour' && why !== undefined) macs.set(`${entry.link} ${entry.mac}`, why);
  }
  return (entry) => {
    switch (entry.kind) {
      case 'route':
        return reasons.get(entry.destination);
      case 'extension':
        return reasons.get(entry.subnet);
      case 'neighbour':
        return gateways.get(`${entry.link} ${entry.address}`);
      case 'fdb':
        return macs.get(`${entry.link} ${entry.mac}`);
      case 'link':
      case 'tun':
        return links.get(entry.name);
      case 'socket':
        return links.get(entry.link);
      case 'tunnel':
        return reasons.get(entry.subnet);
      case 'address':
        return links.get(entry.link) ?? sources.get(entry.address);
      case 'sysctl':
        return entry.link === undefined ? undefined : links.get(entry.link);
      case 'unreachable':
      case 'broadcast':
      case 'accept':
      case 'masquerade':
      case 'file':
        return undefined;
    }
  };
}
