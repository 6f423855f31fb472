/**
 * A stream of DynamoDB as an event source: its records are read, filtered, gathered for a while and handed over as one batch, again and again until
 * it is answered or has been tried often enough (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html).
 * By the Streams API alone, which the emulator of DynamoDB speaks too; it looks at no signature.
 */
import type { DynamoUpstream } from './dynamodb-upstream.ts';
import { fits, type EventPattern } from './event-pattern.ts';
import { asRecord } from './http-body.ts';
import type { LambdaService } from './lambda-service.ts';

export interface StreamSource {
  /** DynamoDB and its streams. */
  readonly upstream: DynamoUpstream;
  readonly table: string;
  /** `TRIM_HORIZON`: all that the stream holds. Default: what comes from now on. */
  readonly from?: StartingPosition;
  /** A record is handed over when one of them fits; without any all are. */
  readonly filters: readonly EventPattern[];
  readonly batchWindowMs: number;
  readonly batchSize: number;
  /** How often a batch that fails is tried again. */
  readonly retries: number;
  /** Lambda looks four times a second. */
  readonly lookEveryMs?: number;
}

/** As the Streams API calls them. */
export type StartingPosition = 'LATEST' | 'TRIM_HORIZON';

/** Rejects when the stream cannot be read. */
export async function wakeByStream(service: LambdaService, source: StreamSource): Promise<void> {
  const { signal } = service.closing;
  const { batchWindowMs, batchSize, lookEveryMs = 250, filters } = source;
  const { arn, records } = await openStream(source, signal);
  const batch: unknown[] = [];
  let openedAtMs = 0;
  void follow();

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      try {
        const found = await records();
        const wanted = found.filter((it) => filters.length === 0 || filters.some((pattern) => fits(pattern, it)));
        if (batch.length === 0) openedAtMs = service.clock.now();
        batch.push(...wanted.map((record) => ({ ...record, eventSourceARN: arn })));
        const ripe = batch.length >= batchSize || service.clock.now() - openedAtMs >= batchWindowMs;
        if (batch.length > 0 && ripe) await handOver(batch.splice(0, batchSize));
        else await service.clock.sleep(lookEveryMs, signal);
      } catch {
        // The emulator is being started anew, or the lab ends.
        await service.clock.sleep(lookEveryMs, signal).catch(() => {});
      }
    }
  }

  async function handOver(part: readonly unknown[]): Promise<void> {
    for (let attempt = 1; attempt <= source.retries + 1 && !signal.aborted; attempt++) {
      const { outcome } = await service.inTurn({ Records: part }, attempt);
      if (outcome.kind === 'answered') return;
      await service.clock.sleep(lookEveryMs, signal);
    }
    if (!signal.aborted) service.dead.push({ Records: part });
  }
}

interface OpenedStream {
  readonly arn: string;
  /** What came since the last time. */
  records(): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

async function openStream(
  { upstream, table, from = 'LATEST' }: StreamSource,
  signal: AbortSignal,
): Promise<OpenedStream> {
  const call = async (action: string, input: object): Promise<Readonly<Record<string, unknown>>> => {
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDBStreams_20120810.${action}`,
      authorization: `AWS4-HMAC-SHA256 Credential=lambda/20260101/lab/dynamodb/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
      'x-amz-date': '20260101T000000Z',
    };
    const { status, body } = await upstream.send('POST', headers, JSON.stringify(input), signal);
    if (status !== 200) throw new Error(`${action}: ${status} ${body}`);
    return asRecord(JSON.parse(body));
  };
  const [stream] = listOf((await call('ListStreams', { TableName: table }))['Streams']);
  const arn = stream?.['StreamArn'];
  if (typeof arn !== 'string') throw new Error(`table ${table} has no stream`);
  const iterators = new Map<string, string>();
  const look = async (position: StartingPosition): Promise<void> => {
    const { StreamDescription } = await call('DescribeStream', { StreamArn: arn });
    for (const { ShardId } of listOf(asRecord(StreamDescription)['Shards'])) {
      if (iterators.has(String(ShardId))) continue;
      const input = { StreamArn: arn, ShardId, ShardIteratorType: position };
      iterators.set(String(ShardId), String((await call('GetShardIterator', input))['ShardIterator']));
    }
  };
  await look(from);
  return {
    arn,
    records: async () => {
      // A table that was empty has no shard yet.
      if (iterators.size === 0) await look('TRIM_HORIZON');
      const found: Readonly<Record<string, unknown>>[] = [];
      for (const [shard, iterator] of iterators) {
        const { Records, NextShardIterator } = await call('GetRecords', { ShardIterator: iterator });
        found.push(...listOf(Records));
        if (typeof NextShardIterator === 'string') iterators.set(shard, NextShardIterator);
      }
      return found;
    },
  };
}

const listOf = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? value.map(asRecord) : [];
