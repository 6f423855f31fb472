/** Claims in the table: what `planClaim` decides, made atomic by conditions on the rows as they were read. */
import type { Claimed, ClaimWish } from '../../src/contracts/lease-store.ts';
import { describeShortage, type Freed, type Reserved } from '../../src/core/allocate.ts';
import { planClaim, type ClaimFacts, type OwnedLease } from '../../src/core/claim-order.ts';
import { WeftError } from '../../src/core/errors.ts';
import { leaseKeyOf, parseLeaseKey } from '../../src/core/lease-key.ts';
import { misfit } from '../../src/core/lease-range.ts';
import type { Lease } from '../../src/core/lease.ts';
import { readReservation, reservationKey, reservedSubnet } from '../../src/core/reservation.ts';
import type { Subnet } from '../../src/core/subnet.ts';
import { change, type ChangeOutcome } from './changes.ts';
import { applyDeltas, readDeltas, type Interest } from './deltas.ts';
import type { Condition } from './expression.ts';
import { LEASE_INTEREST } from './lease-follower.ts';
import { load, type Base } from './load.ts';
import type { Partition } from './partition.ts';
import { recordInterest } from './record-follower.ts';
import { leasedItem, readRow, versionOf, type Row } from './rows.ts';
import { readHead } from './snapshot.ts';
import { COUNTER_ROW, leaseRow, LEASE_ROWS, recordRow } from './sort-keys.ts';

/** The contract's 15 minutes, and one for what the store's time can be off: its header has whole seconds, and a release follows the answer it took the time from. */
const QUARANTINE_MS = 16 * 60_000;
const DEADLINE_MS = 30_000;
const CLAIM_INTEREST: Interest = [...LEASE_INTEREST, ...recordInterest('reservation')];

export async function claim(
  partition: Partition,
  wish: ClaimWish,
  release: (lease: Lease) => Promise<void>,
  signal: AbortSignal,
): Promise<Claimed> {
  const kept = wish.previous === undefined ? undefined : await keepPrevious(partition, wish, wish.previous, signal);
  if (kept !== undefined) return kept;

  const deadlineMs = partition.clock.now() + DEADLINE_MS;
  let base = await load(partition, CLAIM_INTEREST, { from: 'snapshot', holes: 'any' }, signal);
  while (partition.clock.now() < deadlineMs) {
    const plan = planClaim(wish, factsOf(partition, base), (bound) => partition.random.below(bound));
    for (const lease of plan.release) await release(lease);
    const { step } = plan;
    if (step.kind === 'none' && base.from === 'snapshot') {
      // A change that the snapshot lacks may have freed one.
      base = await load(partition, CLAIM_INTEREST, { from: 'rows', holes: 'any' }, signal);
      continue;
    }
    if (step.kind === 'none') throw new WeftError('NO_SUBNET', describeShortage(step.shortage, wish));
    if (step.kind === 'taken') {
      throw new WeftError(
        'LEASE_TAKEN',
        `subnet ${step.subnet} ${step.why}; this node may not take another while something on it uses the old one`,
        {
          hint: 'stop what uses the old subnet, or allow another with --allow-renumber',
        },
      );
    }
    const claimed =
      step.kind === 'adopt'
        ? await adopt(partition, wish, step.lease, base.rows, undefined, signal)
        : await create(partition, wish, step.subnet, base.rows, signal);
    if (claimed !== undefined) return claimed;
    // Somebody was faster: look at what has changed, which is cheap, and choose again.
    base = await refreshed(partition, base, signal);
  }
  throw new WeftError(
    'STORE_TIMEOUT',
    `no subnet could be claimed in DynamoDB table ${partition.table} within ${DEADLINE_MS / 1000} s: others were faster each time`,
  );
}

/** One read, one write: the lease that this node had stands, and is its own. The rest is not worth knowing then. */
async function keepPrevious(
  partition: Partition,
  wish: ClaimWish,
  previous: Subnet,
  signal: AbortSignal,
): Promise<Claimed | undefined> {
  if (misfit(wish.range, previous) !== undefined) return undefined;
  const name = leaseRow(leaseKeyOf({ v4: previous }));
  const rows = await partition.rows([name, COUNTER_ROW], signal);
  const row = readRow(name, rows.get(name) ?? {});
  if (row?.kind !== 'leased' || row.node !== wish.node) return undefined;
  return adopt(partition, wish, row.lease, new Map([[name, row]]), readHead(rows.get(COUNTER_ROW)).seq, signal);
}

/** Undefined: it is not as it was read any more. */
async function adopt(
  partition: Partition,
  wish: ClaimWish,
  lease: Lease,
  rows: Map<string, Row>,
  counter: number | undefined,
  signal: AbortSignal,
): Promise<Claimed | undefined> {
  const name = leaseRow(lease.key);
  const row = rows.get(name);
  if (row?.kind !== 'leased') return undefined;
  const attributes = wish.attributes(lease);
  const owned: Condition =
    row.node === undefined
      ? { equal: { seq: row.seq } }
      : { equal: { node: row.node, epoch: lease.epoch, state: 'leased' } };
  const outcome = await change(
    partition,
    {
      doing: `adopt lease ${lease.key}`,
      row: name,
      condition: owned,
      content: (seq) => leasedItem(wish.node, attributes, lease.epoch, wish.ttlMs, seq),
      ...(counter === undefined ? {} : { counter }),
    },
    signal,
  );
  if (!outcome.done) return lost(rows, name, outcome);
  return { how: 'adopted', lease: { ...lease, attributes, version: versionOf(outcome.seq, 0) } };
}

async function create(
  partition: Partition,
  wish: ClaimWish,
  subnet: Subnet,
  rows: Map<string, Row>,
  signal: AbortSignal,
): Promise<Claimed | undefined> {
  const key = leaseKeyOf({ v4: subnet });
  const name = leaseRow(key);
  const standing = rows.get(name);
  const attributes = wish.attributes(undefined);
  const reservation = recordRow('reservation', reservationKey(subnet));
  const reserved = rows.get(reservation);
  const outcome = await change(
    partition,
    {
      doing: `claim subnet ${subnet}`,
      row: name,
      condition: standing === undefined ? 'absent' : { equal: { seq: standing.seq } },
      // The change's number is the epoch: it was drawn after the row was read, so it is higher than any that the row had.
      content: (seq) => leasedItem(wish.node, attributes, seq, wish.ttlMs, seq),
      also: [{ row: reservation, condition: reserved === undefined ? 'absent' : { equal: { seq: reserved.seq } } }],
    },
    signal,
  );
  if (!outcome.done) return lost(rows, name, outcome);
  return {
    how: 'created',
    lease: { key, subnet: { v4: subnet }, attributes, epoch: outcome.seq, version: versionOf(outcome.seq, 0) },
  };
}

/** Remembers what stood in the way. */
function lost(
  rows: Map<string, Row>,
  name: string,
  { refusedBy, row }: Extract<ChangeOutcome, { done: false }>,
): undefined {
  if (refusedBy !== 'row') return;
  const standing = row === undefined ? undefined : readRow(name, row);
  if (standing === undefined) rows.delete(name);
  else rows.set(name, standing);
}

async function refreshed(partition: Partition, base: Base, signal: AbortSignal): Promise<Base> {
  const deltas = await readDeltas(partition, base.position, CLAIM_INTEREST, 'strong', signal);
  applyDeltas(base.rows, deltas);
  return base;
}

function factsOf(partition: Partition, base: Base): ClaimFacts {
  const leases: OwnedLease[] = [];
  const freed: Freed[] = [];
  const reserved: Reserved[] = [];
  const unreadable: Subnet[] = [];
  const nowMs = partition.storeTime() ?? 0;
  for (const row of base.rows.values()) {
    switch (row.kind) {
      case 'leased':
        leases.push(row);
        break;
      case 'freed':
        freed.push({
          subnet: row.subnet.v4,
          node: row.node,
          freedAt: row.freedAtMs,
          quarantineMs: row.freedAtMs + QUARANTINE_MS - nowMs,
        });
        break;
      case 'record': {
        const reservation = readReservation(row.key, row.value);
        const subnet = reservation === undefined ? reservedSubnet(row.key) : undefined;
        if (reservation !== undefined) reserved.push(reservation);
        else if (subnet !== undefined) unreadable.push(subnet);
        break;
      }
      case 'bad': {
        const read = row.row.startsWith(LEASE_ROWS) ? parseLeaseKey(row.row.slice(LEASE_ROWS.length)) : undefined;
        if (read !== undefined) unreadable.push(read.subnet.v4);
        break;
      }
      case 'config':
        break;
    }
  }
  return { leases, freed, reserved, unreadable };
}
