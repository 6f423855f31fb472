/** The DynamoDB that stands behind the gate: any emulator that does not look at signatures. */
import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { asRecord, readBody } from './http-body.ts';

/** The most that DynamoDB takes or gives in one call. */
export const MOST_BYTES = 20_000_000;

export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export class DynamoUpstream {
  readonly #url: URL;
  readonly #connect: (() => Socket) | undefined;
  readonly #keys = new Map<string, string>();

  /** @param connect opens a connection where the URL cannot be reached from here */
  constructor(url: string, connect?: () => Socket) {
    this.#url = new URL(url);
    this.#connect = connect;
  }

  send(method: string, headers: OutgoingHttpHeaders, body: string, signal?: AbortSignal): Promise<UpstreamAnswer> {
    const connect = this.#connect;
    return new Promise((resolve, reject) => {
      const asking = request(
        this.#url,
        {
          method,
          headers: { ...headers, host: this.#url.host },
          ...(signal === undefined ? {} : { signal }),
          ...(connect === undefined ? {} : { createConnection: connect }),
        },
        (response) => {
          const { statusCode: status = 500, headers } = response;
          readBody(response, MOST_BYTES).then((text) => resolve({ status, headers, body: text }), reject);
        },
      );
      asking.on('error', reject);
      asking.end(body);
    });
  }

  /** Name of its partition key; undefined: there is no such table. A table keeps its keys for life. */
  async keyOf(table: string): Promise<string | undefined> {
    const known = this.#keys.get(table);
    if (known !== undefined) return known;
    const target = 'DynamoDB_20120810.DescribeTable';
    const { status, body } = await this.send('POST', { ...UNSIGNED, 'x-amz-target': target }, bodyOf(table));
    if (status !== 200) return undefined;
    const { KeySchema: schema } = asRecord(asRecord(JSON.parse(body))['Table']);
    for (const part of Array.isArray(schema) ? schema : []) {
      const { KeyType: type, AttributeName: name } = asRecord(part);
      if (type !== 'HASH' || typeof name !== 'string') continue;
      this.#keys.set(table, name);
      return name;
    }
    return undefined;
  }
}

const bodyOf = (table: string): string => JSON.stringify({ TableName: table });

/** An emulator wants to see a signature, whosoever. */
const UNSIGNED = {
  'content-type': 'application/x-amz-json-1.0',
  authorization:
    'AWS4-HMAC-SHA256 Credential=lab/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
  'x-amz-date': '20260101T000000Z',
} as const;
