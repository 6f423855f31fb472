/** What a claimer must know, in one read: leases, who holds what or held it lately, who had what ever, reservations. */
import type { Freed, Reserved } from '../../src/core/allocate.ts';
import type { ClaimFacts, OwnedLease } from '../../src/core/claim-order.ts';
import { parseLeaseKey } from '../../src/core/lease-key.ts';
import { readReservation, reservedSubnet } from '../../src/core/reservation.ts';
import type { NodeId } from '../../src/core/node-id.ts';
import type { Subnet } from '../../src/core/subnet.ts';
import { NO_LEASE, type Entry, type Etcd } from './etcd.ts';
import { below } from './keys.ts';
import { parsed, readHolder, readLease } from './lease-rows.ts';
import { QUARANTINE_MS } from './tenure.ts';

export interface Standing {
  readonly leases: ReadonlyMap<string, Entry>;
  readonly held: ReadonlyMap<string, Entry>;
  readonly lastOwners: ReadonlyMap<string, Entry>;
  readonly reservations: ReadonlyMap<string, Entry>;
}

export async function readStanding(etcd: Etcd, signal: AbortSignal): Promise<Standing> {
  const { keys } = etcd;
  const prefixes = [keys.leases, keys.records('held'), keys.lastOwners, keys.records('reservation')];
  const { ranges } = await etcd.list('read the leases', prefixes.map(below), signal);
  const [leases = new Map(), held = new Map(), lastOwners = new Map(), reservations = new Map()] = ranges.map(
    (entries, index) => new Map(entries.map((entry) => [entry.key.slice(prefixes[index]?.length), entry])),
  );
  return { leases, held, lastOwners, reservations };
}

/** `ends`: how long quarantines last yet, where that is known; until it is needed, all that matters is that they last. */
export function factsOf(
  { leases, held, lastOwners, reservations }: Standing,
  ends: ReadonlyMap<string, number> = new Map(),
): ClaimFacts {
  const owned: OwnedLease[] = [];
  const unreadable: Subnet[] = [];
  for (const [name, entry] of leases) {
    const row = readLease(name, entry);
    const subnet = row.kind === 'bad' ? parseLeaseKey(name)?.subnet.v4 : undefined;
    if (row.kind === 'leased') owned.push(row);
    else if (subnet !== undefined) unreadable.push(subnet);
  }
  const freed: Freed[] = [];
  const free = (name: string, entry: Entry, node: NodeId | undefined, quarantineMs: number): void => {
    const subnet = leases.has(name) ? undefined : parseLeaseKey(name)?.subnet.v4;
    if (subnet !== undefined) freed.push({ subnet, node, freedAt: entry.modified, quarantineMs });
  };
  for (const [name, entry] of held) free(name, entry, readHolder(entry).node, ends.get(name) ?? QUARANTINE_MS);
  for (const [name, entry] of lastOwners) if (!held.has(name)) free(name, entry, readHolder(entry).node, 0);

  const reserved: Reserved[] = [];
  for (const [name, entry] of reservations) {
    const value = parsed(entry.value);
    const reservation = value === undefined ? undefined : readReservation(name, value);
    const subnet = reservedSubnet(name);
    if (reservation !== undefined) reserved.push(reservation);
    else if (subnet !== undefined) unreadable.push(subnet);
  }
  return { leases: owned, freed, reserved, unreadable };
}

/** Those that end first are among the oldest. */
const ASKED = 32;

/** When quarantines end, for those who are told that there is no subnet. One call each: few are asked. */
export async function quarantineEnds(
  etcd: Etcd,
  { leases, held }: Standing,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const waiting = [...held].filter(([name, { lease }]) => !leases.has(name) && lease !== NO_LEASE);
  const oldest = waiting.sort(([, a], [, b]) => a.modified - b.modified).slice(0, ASKED);
  const ends = oldest.map(async ([name, { lease }]): Promise<[string, number]> => [
    name,
    Math.max(1, await etcd.remainingMs(lease, signal)),
  ]);
  return new Map(await Promise.all(ends));
}
