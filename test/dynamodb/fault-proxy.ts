/** Stands between a store and its DynamoDB: writes down each call, and spoils those that the test names. */
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export type Fault =
  /** Refused: nothing was done. */
  | 'throttled'
  | 'throughput exceeded'
  | 'server error'
  /** The connection breaks before the store hears of it. */
  | 'reset before'
  /** It is done, and the connection breaks before the answer. */
  | 'reset after'
  /** It is done, and the answer breaks off in the middle. */
  | 'cut'
  /** It is done, and no answer ever comes. */
  | 'stalled'
  /** It reaches the store only when the test lets it. */
  | { readonly until: Promise<void> };

/** One of each sort. */
export const FAULTS = ['throttled', 'reset before', 'reset after', 'cut', 'stalled'] as const;

export interface ProxiedCall {
  /** `GetItem`. */
  readonly operation: string;
  readonly body: string;
  /** Counts from 0 since `calls` was emptied. */
  readonly number: number;
}

const REFUSALS = {
  throttled: { status: 400, type: 'com.amazon.coral.availability#ThrottlingException' },
  'throughput exceeded': {
    status: 400,
    type: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
  },
  'server error': { status: 500, type: 'com.amazonaws.dynamodb.v20120810#InternalServerError' },
} as const;

export class FaultProxy {
  /** What to do to a call; undefined: let it pass. */
  fault: (call: ProxiedCall) => Fault | undefined = () => undefined;
  calls: ProxiedCall[] = [];
  readonly #server: Server;
  readonly #target: URL;

  private constructor(server: Server, target: string) {
    this.#server = server;
    this.#target = new URL(target);
    server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => void this.#pass(incoming, outgoing));
  }

  static async start(target: string): Promise<FaultProxy> {
    const server = createServer({ keepAlive: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultProxy(server, target);
  }

  get endpoint(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  get operations(): string[] {
    return this.calls.map(({ operation }) => operation);
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const operation = String(incoming.headers['x-amz-target']).replace(/^.*\./, '');
    const call: ProxiedCall = { operation, body: body.toString('utf8'), number: this.calls.length };
    this.calls.push(call);
    const fault = this.fault(call);
    if (fault === 'throttled' || fault === 'throughput exceeded' || fault === 'server error') {
      const { status, type } = REFUSALS[fault];
      outgoing
        .writeHead(status, { 'content-type': 'application/x-amz-json-1.0' })
        .end(JSON.stringify({ __type: type, message: fault }));
      return;
    }
    if (fault === 'reset before') {
      outgoing.destroy();
      return;
    }
    if (typeof fault === 'object') await fault.until;
    const answer = await this.#ask(incoming, body).catch(() => undefined);
    if (answer === undefined || fault === 'reset after') outgoing.destroy();
    else if (fault === 'cut') {
      outgoing.writeHead(answer.status, answer.headers);
      outgoing.write(answer.body.subarray(0, answer.body.length >> 1));
      setImmediate(() => outgoing.destroy());
    } else if (fault !== 'stalled') outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  }

  async #ask(
    incoming: IncomingMessage,
    body: Buffer,
  ): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: Buffer }> {
    const asking = request(this.#target, { method: 'POST', headers: { ...incoming.headers, host: this.#target.host } });
    asking.end(body);
    const [answer] = (await once(asking, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    return { status: answer.statusCode ?? 500, headers: answer.headers, body: Buffer.concat(chunks) };
  }
}
