/** Keys of the rows within a network's partition. */
import type { RecordKind } from '../../src/contracts/records.ts';
import { NETWORK_PARTITIONS } from './table.ts';

export const COUNTER_ROW = 'counter';
export const CONFIG_ROW = 'config';
export const LEASE_ROWS = 'lease#';
export const RECORD_ROWS = 'record#';

/** 2^53 has 16 digits: text order is number order. */
const digits = (seq: number): string => String(seq).padStart(16, '0');

export const networkPartition = (network: string): string => `${NETWORK_PARTITIONS}${network}`;
export const leaseRow = (key: string): string => `${LEASE_ROWS}${key}`;
export const recordRows = (kind: RecordKind): string => `${RECORD_ROWS}${kind}#`;
export const recordRow = (kind: RecordKind, key: string): string => `${recordRows(kind)}${key}`;
export const countRow = (name: string): string => `count#${name}`;
export const deltaRow = (seq: number): string => `delta#${digits(seq)}`;
export const snapshotRows = (seq: number): string => `snapshot#${digits(seq)}#`;
export const snapshotRow = (seq: number, part: number): string =>
  `${snapshotRows(seq)}${String(part).padStart(4, '0')}`;

/** The number in a delta's key; undefined when another hand wrote the key. */
export function seqOfDelta(sortKey: string): number | undefined {
  const match = /^delta#([0-9]{16})$/.exec(sortKey);
  return match === null ? undefined : Number(match[1]);
}
