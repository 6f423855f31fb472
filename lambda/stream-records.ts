/**
 * Records of the table's stream, as far as they say that a run is worth it: a delta of a lease or of the config, in this network. A filter of the
 * event source lets no other by (infra), and one that is not set costs runs that find nothing to do. A record that cannot be read is
 * told and passed over: thrown, it would come again for a day and hold up all behind it.
 */
import { isJsonObject } from '../src/core/json.ts';

/** Whose stream it is. */
export interface Watched {
  readonly table: string;
  /** Value of the partition key. */
  readonly partition: string;
}

export interface ReadRecords {
  readonly changed: boolean;
  readonly bad: readonly string[];
}

/** No batch is longer: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html */
const MAX_RECORDS = 10_000;
/** So that a bad batch makes no endless answer. */
const MAX_REASONS = 20;

export function readRecords(records: readonly unknown[], watched: Watched): ReadRecords {
  const bad: string[] = [];
  let changed = false;
  for (const [index, record] of records.slice(0, MAX_RECORDS).entries()) {
    const read = readRecord(record, watched);
    if (typeof read === 'string') bad.push(`record ${index}: ${read}`);
    else changed ||= read;
  }
  if (records.length > MAX_RECORDS) {
    bad.push(`${records.length - MAX_RECORDS} records more than a batch may have`);
    // What they say is not known, and a look does no harm.
    changed = true;
  }
  if (bad.length <= MAX_REASONS) return { changed, bad };
  return {
    changed,
    bad: [...bad.slice(0, MAX_REASONS), ...Array.from({ length: bad.length - MAX_REASONS }, () => 'more of the kind')],
  };
}

/** Is it a change that concerns routes? A text: why it cannot be read. */
function readRecord(record: unknown, { table, partition }: Watched): boolean | string {
  if (!isJsonObject(record)) return 'is no object';
  const { eventSource, eventSourceARN: arn, eventName, dynamodb } = record;
  if (eventSource !== 'aws:dynamodb') return 'is not of DynamoDB';
  if (typeof arn === 'string' && /:table\/([^/]+)/.exec(arn)?.[1] !== table) return 'is of another table';
  if (!isJsonObject(dynamodb) || !isJsonObject(dynamodb['Keys'])) return 'has no keys';
  const [pk, sk] = [textOf(dynamodb['Keys']['PK']), textOf(dynamodb['Keys']['SK'])];
  if (pk === undefined || sk === undefined) return 'has no keys of ours';
  // Several networks share a table.
  if (pk !== partition || eventName !== 'INSERT' || !sk.startsWith('delta#')) return false;
  const image = dynamodb['NewImage'];
  if (!isJsonObject(image)) return 'has no image';
  const row = textOf(image['row']);
  // A number whose writer died is closed without a row.
  if (row === undefined) return image['void'] === undefined ? 'tells of no row' : false;
  return row === 'config' || row.startsWith('lease#');
}

const textOf = (value: unknown): string | undefined =>
  isJsonObject(value) && typeof value['S'] === 'string' ? value['S'] : undefined;
