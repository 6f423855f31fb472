/** The stream of a table as Lambda reads it: every change from the beginning, in order (the DynamoDB Streams API, by hand: its SDK is not needed elsewhere). */
import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

export type Change = Readonly<Record<string, unknown>>;

interface Answer {
  readonly StreamDescription?: { readonly Shards: readonly { readonly ShardId: string }[] };
  readonly ShardIterator?: string;
  readonly NextShardIterator?: string;
  readonly Records?: readonly Change[];
}

export async function readStream(client: DynamoDBClient, endpoint: string, table: string): Promise<readonly Change[]> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
  const StreamArn = Table?.LatestStreamArn;
  const ask = (action: string, body: object): Promise<Answer> => askStreams(endpoint, action, body);
  const { StreamDescription } = await ask('DescribeStream', { StreamArn });
  const changes: Change[] = [];
  for (const { ShardId } of StreamDescription?.Shards ?? []) {
    const start = await ask('GetShardIterator', { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' });
    for (let iterator = start.ShardIterator; iterator !== undefined;) {
      const { Records = [], NextShardIterator } = await ask('GetRecords', { ShardIterator: iterator });
      changes.push(...Records);
      // An open shard has a next one for ever: what is there now is read when nothing comes.
      iterator = Records.length === 0 ? undefined : NextShardIterator;
    }
  }
  return changes;
}

async function askStreams(endpoint: string, action: string, body: object): Promise<Answer> {
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-date': '20260101T000000Z',
      'x-amz-target': `DynamoDBStreams_20120810.${action}`,
      authorization:
        'AWS4-HMAC-SHA256 Credential=test/20260101/eu-test-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${action}: ${answer.status} ${text}`);
  return JSON.parse(text) as Answer;
}
