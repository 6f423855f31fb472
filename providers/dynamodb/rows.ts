/** What each row says: items read into values, values written as items. A row that another hand has spoiled is a `bad` row with its reason. */
import type { RecordKind } from '../../src/contracts/records.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { LEASE_KEY_FORM, parseLeaseKey } from '../../src/core/lease-key.ts';
import { decodeLeaseValue, encodeLeaseValue } from '../../src/core/lease-value.ts';
import type { Lease, LeaseAttributes, LeaseKey, LeaseSubnet } from '../../src/core/lease.ts';
import { tryNodeId, type NodeId } from '../../src/core/node-id.ts';
import type { Plain } from './attributes.ts';
import type { Condition } from './expression.ts';
import { CONFIG_ROW, LEASE_ROWS, RECORD_ROWS } from './sort-keys.ts';

interface Written {
  readonly row: string;
  /** Number of the change that wrote it last. */
  readonly seq: number;
}

export interface LeasedRow extends Written {
  readonly kind: 'leased';
  readonly lease: Lease;
  /** How often it was renewed since that change. Undefined where nobody looked: renewals stand in the row alone, not in the feed. */
  readonly renewals: number | undefined;
  /** Undefined: a plain lease, as flanneld writes it. */
  readonly node: NodeId | undefined;
  readonly ttlMs: number;
  /** Why the member `Weft` of its value was left out. */
  readonly ignored: string | undefined;
}

/** A subnet that was leased once. Its row stays for ever: it remembers who had it, and until when. */
export interface FreedRow extends Written {
  readonly kind: 'freed';
  readonly key: LeaseKey;
  readonly subnet: LeaseSubnet;
  readonly epoch: number;
  readonly node: NodeId | undefined;
  /** The store's time, in ms since 1970. */
  readonly freedAtMs: number;
}

export interface ConfigRow extends Written {
  readonly kind: 'config';
  readonly text: string;
}

export interface RecordRow extends Written {
  readonly kind: 'record';
  readonly record: RecordKind;
  readonly key: string;
  readonly value: JsonValue;
  readonly version: string;
}

export interface BadRow extends Written {
  readonly kind: 'bad';
  readonly why: string;
}

export type Row = LeasedRow | FreedRow | ConfigRow | RecordRow | BadRow;

/** flannel's own, for a lease that says nothing of its life. */
const DEFAULT_TTL_MS = 24 * 3_600_000;

/** A lease's version: the change that wrote it and, where known, its renewals since. */
export const versionOf = (seq: number, renewals: number | undefined): string =>
  renewals === undefined ? `${seq}` : `${seq}.${renewals}`;

/** What a row must look like to be of this version; undefined when no store of this kind gave it. */
export function ofVersion(version: string): Condition | undefined {
  const match = /^([0-9]+)(?:\.([0-9]+))?$/.exec(version);
  if (match === null) return undefined;
  const seq = Number(match[1]);
  return { equal: match[2] === undefined ? { seq } : { seq, renewals: Number(match[2]) } };
}

const whole = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** Undefined: no row that this program knows; a later version's perhaps. */
export function readRow(row: string, item: Plain): Row | undefined {
  const seq = whole(item['seq']) ? item['seq'] : 0;
  if (row.startsWith(LEASE_ROWS)) return readLease(row, seq, item);
  if (row === CONFIG_ROW) {
    const text = item['text'];
    return typeof text === 'string'
      ? { kind: 'config', row, seq, text }
      : { kind: 'bad', row, seq, why: 'attribute "text" is no string' };
  }
  if (row.startsWith(RECORD_ROWS)) return readRecord(row, seq, item);
  return undefined;
}

function readLease(row: string, seq: number, item: Plain): LeasedRow | FreedRow | BadRow {
  const bad = (why: string): BadRow => ({ kind: 'bad', row, seq, why });
  const read = parseLeaseKey(row.slice(LEASE_ROWS.length));
  if (read === undefined) return bad(LEASE_KEY_FORM);
  const { epoch, state } = item;
  if (!whole(epoch) || !whole(item['seq'])) return bad('attribute "epoch" or "seq" is no whole number');
  const node = typeof item['node'] === 'string' ? tryNodeId(item['node']) : undefined;
  if (node === undefined && item['node'] !== undefined) return bad('attribute "node" is no node id');
  if (state === 'freed') {
    // Another hand's: without a time the quarantine cannot be known to be over, so only its last node may have it back.
    const freedAtMs = whole(item['freedAt']) ? item['freedAt'] : Number.POSITIVE_INFINITY;
    return { kind: 'freed', row, seq, key: read.key, subnet: read.subnet, epoch, node, freedAtMs };
  }
  if (state !== 'leased') return bad('attribute "state" is neither "leased" nor "freed"');
  if (typeof item['value'] !== 'string') return bad('attribute "value" is no string');
  const value = decodeLeaseValue(item['value']);
  if (value.kind === 'unreadable') return bad(value.why);
  const renewals = whole(item['renewals']) ? item['renewals'] : undefined;
  const lease: Lease = {
    key: read.key,
    subnet: read.subnet,
    attributes: value.attributes,
    epoch,
    version: versionOf(seq, renewals),
  };
  const ttlMs = whole(item['ttlMs']) && item['ttlMs'] > 0 ? item['ttlMs'] : DEFAULT_TTL_MS;
  return { kind: 'leased', row, seq, lease, renewals, node, ttlMs, ignored: value.ignored };
}

function readRecord(row: string, seq: number, item: Plain): RecordRow | BadRow | undefined {
  const [, kind = '', ...rest] = row.split('#');
  const record = recordKind(kind);
  if (record === undefined) return undefined;
  const { value, version } = item;
  if (typeof value !== 'string' || typeof version !== 'string')
    return { kind: 'bad', row, seq, why: 'attribute "value" or "version" is no string' };
  try {
    return { kind: 'record', row, seq, record, key: rest.join('#'), value: JSON.parse(value) as JsonValue, version };
  } catch {
    return { kind: 'bad', row, seq, why: 'attribute "value" is not JSON' };
  }
}

const KINDS: Readonly<Record<RecordKind, true>> = {
  reservation: true,
  ledger: true,
  writer: true,
  held: true,
  audit: true,
  lock: true,
  budget: true,
  expiry: true,
  waiting: true,
  leaving: true,
  run: true,
  challenge: true,
};
const recordKind = (text: string): RecordKind | undefined =>
  Object.hasOwn(KINDS, text) ? (text as RecordKind) : undefined;

export const leasedItem = (
  node: NodeId,
  attributes: LeaseAttributes,
  epoch: number,
  ttlMs: number,
  seq: number,
): Plain => ({
  state: 'leased',
  node,
  epoch,
  value: encodeLeaseValue(attributes),
  ttlMs,
  seq,
  renewals: 0,
});

export const freedItem = (node: NodeId | undefined, epoch: number, freedAt: number, seq: number): Plain => ({
  state: 'freed',
  ...(node === undefined ? {} : { node }),
  epoch,
  freedAt,
  seq,
});

/** A row as the feed tells of it: without the number of its renewals, which grows unseen. */
export function toldItem(item: Plain): Plain {
  const { renewals: _, ...told } = item;
  return told;
}
