/** A DynamoDB store, put together. Nothing is sent before the first call of a method. */
import type { Clock } from '../../src/contracts/clock.ts';
import type { LeaseStore } from '../../src/contracts/lease-store.ts';
import type { Random } from '../../src/contracts/random.ts';
import type { Records } from '../../src/contracts/records.ts';
import { connect } from './client.ts';
import { createTable } from './create-table.ts';
import { DynamoLeaseStore } from './dynamo-lease-store.ts';
import { DynamoRecords } from './dynamo-records.ts';
import { Feed, slowestLookMs } from './feed.ts';
import { Partition } from './partition.ts';
import { writeSnapshot } from './snapshot.ts';
import { identityOf, parseUrl } from './url.ts';

export interface OpenOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Asked when neither the URL, nor AWS_REGION, nor a profile says a region. Undefined: it cannot say. */
  readonly machineRegion?: () => Promise<string | undefined>;
  /** Else AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL, or the region's own. */
  readonly endpoint?: string;
  readonly connectTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
}

export interface DynamoStore {
  readonly kind: 'dynamodb';
  /** The same for every way to write the same store. */
  readonly identity: string;
  readonly store: LeaseStore;
  readonly records: Records;
  /** After so long everybody who watches with the same pace has seen a change. */
  readonly seenWithinMs: number;
  /** Makes the table unless it is there; says whether it had to. */
  create(signal: AbortSignal): Promise<boolean>;
  /** Packs all rows for those who join. Nodes do it at low odds; the reconciler when it runs. */
  writeSnapshot(signal: AbortSignal): Promise<boolean>;
  close(): void;
}

/** @throws WeftError BAD_OPTION for a URL that is none. */
export function openDynamoStore(url: string, options: OpenOptions): DynamoStore {
  const location = parseUrl(url);
  const { table, network, region, pace } = location;
  const { clock, random, machineRegion, endpoint, connectTimeoutMs, requestTimeoutMs } = options;
  const connection = connect({
    ...(region === undefined ? {} : { region }),
    ...(machineRegion === undefined ? {} : { machineRegion }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
    ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
  });
  const partition = new Partition({ connection, table, network, clock, random });
  const feed = new Feed(partition, pace);
  return {
    kind: 'dynamodb',
    identity: identityOf(location),
    store: new DynamoLeaseStore(partition, feed, pace),
    records: new DynamoRecords(partition, feed, pace),
    seenWithinMs: slowestLookMs(pace),
    create: (signal) => createTable({ connection, table, clock, random }, signal),
    writeSnapshot: (signal) => writeSnapshot(partition, signal),
    close: () => connection.close(),
  };
}
