/** What an owner does with its lease: prove that it lives, change what it advertises, leave. Each is refused when the lease is another's by now. */
import { WeftError } from '../../src/core/errors.ts';
import { encodeLeaseValue } from '../../src/core/lease-value.ts';
import type { Lease, LeaseAttributes, LeaseKey } from '../../src/core/lease.ts';
import type { NodeId } from '../../src/core/node-id.ts';
import { NO_LEASE, type Check, type Entry, type Etcd, type Write } from './etcd.ts';
import { holderText, readLease } from './lease-rows.ts';
import { giveUpTenure, grantTenure, QUARANTINE_MS, type Tenure } from './tenure.ts';

/** Somebody else writes this lease all the time: two daemons of one node, or a flanneld beside us. */
const ATTEMPTS = 8;

/** Where the version is the latest and nobody else has touched it, one transaction. */
export async function renew(
  etcd: Etcd,
  lease: Lease,
  attributes: LeaseAttributes,
  ttlMs: number,
  signal: AbortSignal,
): Promise<Lease> {
  const node = attributes.weft?.node;
  if (node === undefined) throw new WeftError('INTERNAL', `renewal of lease ${lease.key} without a node id`);
  const value = encodeLeaseValue(attributes);
  const key = etcd.keys.lease(lease.key);
  const tenure = await grantTenure(etcd, ttlMs, signal);
  const renewed = (revision: number): Lease => ({ ...lease, attributes, version: String(revision) });

  const doing = `renew lease ${lease.key}`;
  const modified = Number(lease.version);
  const mine = lease.attributes.weft?.node === node && Number.isSafeInteger(modified);
  let checks: readonly Check[] | undefined = mine
    ? [
        { key, modified },
        { key, leased: true },
      ]
    : undefined;
  let own = tenure.own;
  for (let attempts = 0; attempts < ATTEMPTS; attempts++) {
    let found: Entry | undefined;
    if (checks === undefined) found = await etcd.get(key, signal);
    else {
      const writes = holding(etcd, lease.key, value, node, ttlMs, { ...tenure, own });
      const outcome = await etcd.transact({ doing, checks, writes, look: key }, signal);
      if (outcome.done) return renewed(outcome.revision);
      found = outcome.found;
      if (found?.lease === tenure.own) return renewed(found.modified);
    }
    const lost = whyLost(lease, node, found);
    if (found === undefined || lost !== undefined) {
      giveUpTenure(etcd, tenure);
      throw new WeftError('LEASE_LOST', `lease ${lease.key} of epoch ${lease.epoch} ${lost ?? 'is gone'}`);
    }
    checks = [{ key, modified: found.modified }];
    own = found.lease === NO_LEASE ? NO_LEASE : tenure.own;
  }
  throw new WeftError(
    'STORE_CONFLICT',
    `lease ${lease.key} was written by others ${ATTEMPTS} times while it was renewed`,
  );
}

/** The writes that make or keep a node the holder of a subnet. */
export const holding = (
  { keys }: Etcd,
  key: LeaseKey,
  value: string,
  node: NodeId,
  ttlMs: number,
  tenure: Tenure,
): readonly Write[] => [
  { put: keys.lease(key), value, lease: tenure.own },
  { put: keys.held(key), value: holderText(node, ttlMs), lease: tenure.held },
];

function whyLost(lease: Lease, node: NodeId, found: Entry | undefined): string | undefined {
  if (found === undefined) return 'is gone';
  const row = readLease(lease.key, found);
  // Whoever takes a subnet makes its key anew or writes a lease: garbage over ours, under the same epoch, is nobody's claim, and we write over it.
  if (row.kind === 'bad') return found.created === lease.epoch ? undefined : `was overwritten: ${row.why}`;
  if (row.node === node && row.lease.epoch === lease.epoch) return undefined;
  return `belongs to ${row.node === undefined ? `a flanneld at ${row.lease.attributes.publicIP}` : `node ${row.node}`} now, epoch ${row.lease.epoch}`;
}

/** Frees the subnet, and says who had it: within the quarantine that node alone may come back. */
export async function release(etcd: Etcd, lease: Lease, signal: AbortSignal): Promise<void> {
  const modified = Number(lease.version);
  if (!Number.isSafeInteger(modified))
    throw new WeftError('INTERNAL', `"${lease.version}" is no version of a lease in this store`);
  const { keys } = etcd;
  const key = keys.lease(lease.key);
  const held = await etcd.grant(QUARANTINE_MS, signal);
  const holder = holderText(lease.attributes.weft?.node);
  const outcome = await etcd.transact(
    {
      doing: `release lease ${lease.key}`,
      checks: [{ key, modified }],
      writes: [
        { remove: key },
        { put: keys.held(lease.key), value: holder, lease: held },
        { put: keys.lastOwner(lease.key), value: holder, lease: NO_LEASE },
      ],
      look: key,
    },
    signal,
  );
  if (outcome.done) return;
  if (outcome.found === undefined) return;
  throw new WeftError(
    'RECORD_CHANGED',
    `lease ${lease.key} was renewed or changed since version ${lease.version}: it stands at epoch ${outcome.found.created}, version ${outcome.found.modified}`,
  );
}
