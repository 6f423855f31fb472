/** What an owner does with its lease: prove that it lives, change what it advertises, leave. Each is refused when the lease is another's by now. */
import { WeftError } from '../../src/core/errors.ts';
import { encodeLeaseValue } from '../../src/core/lease-value.ts';
import type { Lease, LeaseAttributes } from '../../src/core/lease.ts';
import type { NodeId } from '../../src/core/node-id.ts';
import type { Plain } from './attributes.ts';
import { change } from './changes.ts';
import type { Partition } from './partition.ts';
import { freedItem, leasedItem, ofVersion, readRow, versionOf } from './rows.ts';
import { leaseRow } from './sort-keys.ts';

/** One small write when nothing but time has passed. Then no change is told: an observer that wants to know reads the row. */
export async function renew(
  partition: Partition,
  lease: Lease,
  attributes: LeaseAttributes,
  ttlMs: number,
  changed: () => void,
  signal: AbortSignal,
): Promise<Lease> {
  const node = attributes.weft?.node;
  if (node === undefined) throw new WeftError('INTERNAL', `renewal of lease ${lease.key} without a node id`);
  const name = leaseRow(lease.key);
  const owned = { node, epoch: lease.epoch, state: 'leased' };
  const same = { ...owned, value: encodeLeaseValue(attributes), ttlMs };
  const renewed = await partition.update(name, { add: { renewals: 1 } }, { equal: same }, true, signal);
  if (renewed.done) {
    const { seq, renewals } = renewed.row;
    return { ...lease, attributes, version: versionOf(Number(seq), Number(renewals)) };
  }
  refuseOther(lease, node, renewed.row);

  const content = (seq: number): Plain => leasedItem(node, attributes, lease.epoch, ttlMs, seq);
  const outcome = await change(
    partition,
    { doing: `renew lease ${lease.key}`, row: name, condition: { equal: owned }, content },
    signal,
  );
  if (!outcome.done) throw lost(lease, outcome.row);
  changed();
  return { ...lease, attributes, version: versionOf(outcome.seq, 0) };
}

function refuseOther(lease: Lease, node: NodeId, item: Plain | undefined): void {
  if (item === undefined || item['node'] !== node || item['epoch'] !== lease.epoch || item['state'] !== 'leased')
    throw lost(lease, item);
}

function lost(lease: Lease, item: Plain | undefined): WeftError {
  const now =
    item === undefined
      ? 'is gone'
      : item['state'] === 'leased'
        ? `belongs to node ${String(item['node'] ?? '(a flanneld)')} now, epoch ${String(item['epoch'])}`
        : 'was freed';
  return new WeftError('LEASE_LOST', `lease ${lease.key} of epoch ${lease.epoch} ${now}`);
}

/** Frees the subnet. The row stays: it says who had it and since when it is free. */
export async function release(
  partition: Partition,
  lease: Lease,
  changed: () => void,
  signal: AbortSignal,
): Promise<void> {
  const name = leaseRow(lease.key);
  const condition = ofVersion(lease.version);
  if (condition === undefined)
    throw new WeftError('INTERNAL', `"${lease.version}" is no version of a lease in this store`);
  const item = await partition.row(name, 'strong', signal);
  const standing = item === undefined ? undefined : readRow(name, item);
  // Its node is remembered: within the quarantine it may come back.
  if (standing?.kind !== 'leased') return;
  const outcome = await change(
    partition,
    {
      doing: `release lease ${lease.key}`,
      row: name,
      condition,
      content: (seq, storeTimeMs) => freedItem(standing.node, standing.lease.epoch, storeTimeMs, seq),
    },
    signal,
  );
  if (outcome.done) {
    changed();
    return;
  }
  if (outcome.row === undefined || outcome.row['state'] === 'freed') return;
  throw new WeftError(
    'RECORD_CHANGED',
    `lease ${lease.key} was renewed or changed since version ${lease.version}: it stands at epoch ${String(outcome.row['epoch'])}`,
  );
}
