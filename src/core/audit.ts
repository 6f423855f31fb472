/** What was done to the cloud in the name of the network, line by line, for people who ask later. */
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { trySubnet, type Subnet } from './subnet.ts';

export const AUDITED_ACTIONS = [
  'created',
  'replaced',
  'removed',
  'adopted',
  'released',
  /** An interface's source/destination check was switched off. */
  'prepared',
  /** Routes are written by nodes, or by the reconciler, from now on. */
  'handed over',
] as const;

export type AuditedAction = (typeof AUDITED_ACTIONS)[number];

export interface AuditEntry {
  /** ISO 8601, UTC, by the clock of whoever did it. */
  readonly at: string;
  /** Node id, or name of the reconciler. */
  readonly by: string;
  readonly action: AuditedAction;
  readonly table?: string;
  readonly destination?: Subnet;
  /** Target before and after; absent: there was, or is, none. */
  readonly before?: string;
  readonly after?: string;
  /** Whose subnet it is. */
  readonly node?: string;
  readonly epoch?: number;
  readonly why: string;
}

const VERSION = 1;
/** Of one record. */
export const MOST_ENTRIES = 100;
/** A little less than a record may have, for what stands around the entries. */
export const MOST_ENTRY_BYTES = 32 * 1024 - 256;
const MAX_TEXT = 150;
const MAX_WHY = 300;
const AT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;
const KEY = /^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z)[/]/;

/** Sorts by time; `mark` makes it the only one of its moment. */
export const auditKey = (at: string, mark: string): string => `${at}/${mark}`;

/** When the first entry of a record was made; undefined: another hand's key. */
export const auditKeyTime = (key: string): string | undefined => KEY.exec(key)?.[1];

/** As it is stored: texts as long as they may be, members that are there. */
export function auditEntryToJson(entry: AuditEntry): JsonObject {
  const { at, by, action, table, destination, before, after, node, epoch, why } = entry;
  const texts = { table, destination, before, after, node };
  return {
    at,
    by,
    action,
    ...Object.fromEntries(Object.entries(texts).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]]))),
    ...(epoch === undefined ? {} : { epoch }),
    why: why.slice(0, MAX_WHY),
  };
}

export const auditRecord = (entries: readonly AuditEntry[]): JsonObject => ({
  v: VERSION,
  entries: entries.map(auditEntryToJson),
});

export interface ReadAudit {
  readonly entries: readonly AuditEntry[];
  /** How many could not be read; undefined: it is no record of entries at all. */
  readonly unreadable: number | undefined;
}

/** Whoever can write the store can write anything there. */
export function readAuditRecord(value: JsonValue): ReadAudit {
  const list = isJsonObject(value) && value['v'] === VERSION ? value['entries'] : undefined;
  if (!Array.isArray(list)) return { entries: [], unreadable: undefined };
  const items: readonly JsonValue[] = list;
  const entries = items.flatMap((item) => readEntry(item) ?? []);
  return { entries, unreadable: items.length - entries.length };
}

function readEntry(value: JsonValue): AuditEntry | undefined {
  if (!isJsonObject(value)) return undefined;
  const action = AUDITED_ACTIONS.find((name) => name === value['action']);
  const { at, by, why, epoch, destination } = value;
  if (action === undefined || typeof at !== 'string' || !AT.test(at)) return undefined;
  if (!isText(by, MAX_TEXT) || !isText(why, MAX_WHY)) return undefined;
  if (epoch !== undefined && !(typeof epoch === 'number' && Number.isSafeInteger(epoch))) return undefined;
  const subnet = typeof destination === 'string' ? trySubnet(destination) : undefined;
  if (destination !== undefined && subnet === undefined) return undefined;
  const texts: Partial<Record<'table' | 'before' | 'after' | 'node', string>> = {};
  for (const name of ['table', 'before', 'after', 'node'] as const) {
    const text = value[name];
    if (text === undefined) continue;
    if (!isText(text, MAX_TEXT)) return undefined;
    texts[name] = text;
  }
  return {
    at,
    by,
    action,
    ...texts,
    ...(subnet === undefined ? {} : { destination: subnet }),
    ...(epoch === undefined ? {} : { epoch }),
    why,
  };
}

/** It is shown on terminals: no control characters. */
const isText = (value: JsonValue | undefined, most: number): value is string =>
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  typeof value === 'string' && value.length > 0 && value.length <= most && !/[\u0000-\u001f\u007f-\u009f]/.test(value);
