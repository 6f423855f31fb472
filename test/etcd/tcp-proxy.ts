/** Stands between a store and its etcd, below gRPC, and does to the connections what networks do. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class TcpProxy {
  /** What the server says is swallowed from now on, on connections that stand as well as new ones; what it is told reaches it. */
  deaf = false;
  /** It becomes so when it is told these bytes. */
  deafAfter: string | undefined;
  /** New connections are refused. */
  closed = false;
  /** The connection breaks when so many bytes have come back on it. */
  cutAfterBytes = Infinity;
  /** Connections ever accepted. */
  accepted = 0;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    server.on('connection', (client) => this.#accept(client, port));
  }

  static async start(endpoint: string): Promise<TcpProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(server, Number(endpoint.split(':')[1]));
  }

  get endpoint(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    return `127.0.0.1:${address.port}`;
  }

  /** It hears again, on new connections: those that stand break. */
  heal(): void {
    this.deafAfter = undefined;
    this.deaf = false;
    this.cut();
  }

  /** All connections break; both sides hear of it. */
  cut(): void {
    for (const [client, server] of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** The other side of each connection is gone, and nobody on this side hears of it. */
  halfOpen(): void {
    for (const [client, server] of this.#pairs) {
      client.removeAllListeners('data').resume();
      server.removeAllListeners('data').removeAllListeners('close').destroy();
    }
  }

  /** Nothing passes, nothing breaks; `false`: all that was held up goes on its way. */
  suspend(suspended: boolean): void {
    for (const sockets of this.#pairs)
      for (const socket of sockets) {
        if (suspended) socket.pause();
        else socket.resume();
      }
  }

  stop(): void {
    this.cut();
    this.#server.close();
  }

  #accept(client: Socket, port: number): void {
    if (this.closed) {
      client.destroy();
      return;
    }
    this.accepted += 1;
    const server = connect(port, '127.0.0.1');
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    let bytes = 0;
    client.on('data', (part) => {
      if (this.deafAfter !== undefined && part.includes(this.deafAfter, 0, 'latin1')) this.deaf = true;
      server.write(part);
    });
    server.on('data', (part) => {
      if (this.deaf) return;
      bytes += part.length;
      if (bytes <= this.cutAfterBytes) client.write(part);
      else client.destroy();
    });
    for (const [one, other] of [pair, [server, client]] as const) {
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#pairs.delete(pair);
        other.destroy();
      });
    }
  }
}
