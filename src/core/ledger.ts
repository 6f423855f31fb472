/** The ledger as it is stored: one record for each (table, destination). Whoever can write the store can write anything there. */
import type { LedgerRow } from './cloud-route.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { tryNodeId } from './node-id.ts';
import { trySubnet, type Subnet } from './subnet.ts';

const VERSION = 1;
/** Ids of clouds that a record's key may hold. */
const TOKEN = /^[A-Za-z0-9._:/-]{1,150}$/;
const MAX_WHY = 300;
/** How many owners before are remembered. Between two of them lie 15 minutes of quarantine, and a signed call lives 5. */
export const MAX_BEFORE = 4;
const STATES = ['intent', 'committed', 'refused'] as const;

export const ledgerKey = (table: string, destination: Subnet): string => `${table}/${destination}`;

export interface LedgerEntry {
  readonly key: string;
  /** What the next write compares with; undefined: the store cannot read it, and it can only be written over. */
  readonly version: string | undefined;
  /** Undefined: it cannot be read, and says nothing about who made the route. */
  readonly row: LedgerRow | undefined;
}

export type Ledger = ReadonlyMap<string, LedgerEntry>;

export function ledgerRowToJson(row: LedgerRow): JsonObject {
  const { table, destination, target, before, epoch, node, state, why, forOwner, generation } = row;
  return {
    v: VERSION,
    table,
    destination,
    target,
    ...(before === undefined ? {} : { before }),
    epoch,
    node,
    state,
    ...(why === undefined ? {} : { why: why.slice(0, MAX_WHY) }),
    ...(forOwner === undefined ? {} : { forOwner }),
    generation,
  };
}

/** Undefined when it is no row of ours, or one that stands under another's key. */
export function readLedgerRow(key: string, value: JsonValue): LedgerRow | undefined {
  if (!isJsonObject(value) || value['v'] !== VERSION) return undefined;
  const table = token(value, 'table');
  const target = token(value, 'target');
  const before = tokens(value, 'before');
  const destination = typeof value['destination'] === 'string' ? trySubnet(value['destination']) : undefined;
  const node = typeof value['node'] === 'string' ? tryNodeId(value['node']) : undefined;
  const epoch = count(value, 'epoch');
  const generation = count(value, 'generation');
  const state = STATES.find((name) => name === value['state']);
  const why = typeof value['why'] === 'string' ? value['why'].slice(0, MAX_WHY) : undefined;
  if (table === undefined || target === undefined || destination === undefined || node === undefined) return undefined;
  if (epoch === undefined || generation === undefined || state === undefined) return undefined;
  if (key !== ledgerKey(table, destination) || before === undefined) return undefined;
  return {
    table,
    destination,
    target,
    ...(before.length === 0 ? {} : { before }),
    epoch,
    node,
    state,
    ...(why === undefined ? {} : { why }),
    ...(own(value, 'forOwner') === true ? { forOwner: true } : {}),
    generation,
  };
}

export interface StoredRow {
  readonly key: string;
  readonly value: JsonValue;
  readonly version: string;
}

export const readLedgerEntry = ({ key, value, version }: StoredRow): LedgerEntry => ({
  key,
  version,
  row: readLedgerRow(key, value),
});

/** @param skipped what the store itself cannot read */
export const readLedger = (records: Iterable<StoredRow>, skipped: readonly { readonly key: string }[] = []): Ledger =>
  new Map<string, LedgerEntry>([
    ...skipped.map(({ key }) => [key, { key, version: undefined, row: undefined }] as const),
    ...[...records].map((record) => [record.key, readLedgerEntry(record)] as const),
  ]);

/** Of one table the rows by destination. */
export function rowsOf(ledger: Ledger, table: string | undefined): ReadonlyMap<Subnet, LedgerRow> {
  const rows = new Map<Subnet, LedgerRow>();
  for (const { row } of ledger.values()) if (row !== undefined && row.table === table) rows.set(row.destination, row);
  return rows;
}

export const countCommitted = (ledger: Ledger, table: string): number =>
  [...rowsOf(ledger, table).values()].filter(({ state }) => state === 'committed').length;

/** Does a route of another subnet stand in this row's table now that was refused before? */
export const foundRoom = (before: Ledger, now: Ledger, { table, destination }: LedgerRow): boolean =>
  [...now].some(
    ([key, { row }]) =>
      row?.state === 'committed' &&
      row.table === table &&
      row.destination !== destination &&
      before.get(key)?.row?.state === 'refused',
  );

export const sameRows = (a: ReadonlyMap<Subnet, LedgerRow>, b: ReadonlyMap<Subnet, LedgerRow>): boolean =>
  a.size === b.size &&
  [...a].every(([destination, row]) => {
    const other = b.get(destination);
    return other !== undefined && sameRow(row, other);
  });

export const sameRow = (a: LedgerRow, b: LedgerRow): boolean =>
  JSON.stringify(ledgerRowToJson(a)) === JSON.stringify(ledgerRowToJson(b));

const own = (value: JsonObject, key: string): JsonValue | undefined =>
  Object.hasOwn(value, key) ? value[key] : undefined;

function token(value: JsonObject, key: string): string | undefined {
  const text = own(value, key);
  return typeof text === 'string' && TOKEN.test(text) ? text : undefined;
}

/** Absent is empty; undefined: it is no such list. */
function tokens(value: JsonObject, key: string): readonly string[] | undefined {
  const list = own(value, key) ?? [];
  if (!Array.isArray(list) || list.length > MAX_BEFORE) return undefined;
  const texts = list.filter((item): item is string => typeof item === 'string' && TOKEN.test(item));
  return texts.length === list.length ? texts : undefined;
}

function count(value: JsonObject, key: string): number | undefined {
  const number = own(value, key);
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}
