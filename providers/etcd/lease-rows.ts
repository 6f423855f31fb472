/** What stands below flannel's `subnets/`, and beside it who holds what, as we read it. Whoever can write the store can have written anything here. */
import { isJsonObject, type JsonValue } from '../../src/core/json.ts';
import { LEASE_KEY_FORM, parseLeaseKey } from '../../src/core/lease-key.ts';
import { decodeLeaseValue } from '../../src/core/lease-value.ts';
import type { Lease } from '../../src/core/lease.ts';
import { tryNodeId, type NodeId } from '../../src/core/node-id.ts';
import { NO_LEASE, type Entry } from './etcd.ts';

export interface LeasedRow {
  readonly kind: 'leased';
  readonly lease: Lease;
  /** Undefined: a plain lease, as flanneld writes it. */
  readonly node: NodeId | undefined;
  readonly modified: number;
  /** Put without an etcd lease, as flannel's documents tell operators to reserve a subnet: it stays until somebody removes it. */
  readonly forEver: boolean;
  /** Why its member `Weft` was left out, when it is there and malformed. */
  readonly ignored: string | undefined;
}

export interface BadRow {
  readonly kind: 'bad';
  readonly modified: number;
  readonly why: string;
}

export type LeaseRow = LeasedRow | BadRow;

/** `name`: the key behind `subnets/`. */
export function readLease(name: string, entry: Entry): LeaseRow {
  const { value, created, modified, lease } = entry;
  const bad = (why: string): LeaseRow => ({ kind: 'bad', modified, why });
  const read = parseLeaseKey(name);
  if (read === undefined) return bad(LEASE_KEY_FORM);
  const decoded = decodeLeaseValue(value);
  if (decoded.kind === 'unreadable') return bad(decoded.why);
  const { attributes, ignored } = decoded;
  return {
    kind: 'leased',
    // A key's create_revision changes when it is deleted and made again: each owner's is higher than the one before.
    lease: { ...read, attributes, epoch: created, version: String(modified) },
    node: attributes.weft?.node,
    modified,
    forEver: lease === NO_LEASE,
    ignored,
  };
}

/** Who holds a subnet, or held it last, and how long its lease lives without renewal. */
export interface Holder {
  readonly node: NodeId | undefined;
  readonly ttlMs: number | undefined;
}

/** `node` undefined: a plain flanneld had it. */
export const holderText = (node: NodeId | undefined, ttlMs?: number): string =>
  JSON.stringify({ ...(node === undefined ? {} : { node }), ...(ttlMs === undefined ? {} : { ttlMs }) });

/** Nonsense is a holder that nobody knows. */
export function readHolder({ value }: Entry): Holder {
  const json = parsed(value);
  const node = isJsonObject(json) ? json['node'] : undefined;
  const ttlMs = isJsonObject(json) ? json['ttlMs'] : undefined;
  return {
    node: typeof node === 'string' ? tryNodeId(node) : undefined,
    ttlMs: typeof ttlMs === 'number' && ttlMs > 0 ? ttlMs : undefined,
  };
}

/** Undefined: it is none. */
export function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
