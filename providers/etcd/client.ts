/**
 * The connection: one etcd3 client for each endpoint, one of them in use. etcd3 spreads calls over its hosts by chance, so that with one host
 * dead a call may meet it several times in a row; we stay with one for as long as it serves, and then go on to the next.
 */
import { Etcd3, type IOptions } from 'etcd3';
import { rootCertificates } from 'node:tls';
import type { Random } from '../../src/contracts/random.ts';

/** PEM. Without `ca` the roots that Node knows; without `cert` and `key` the server is not told who we are. */
export interface TlsFiles {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export interface ConnectOptions {
  /** `host:port` each; at least one. */
  readonly endpoints: readonly string[];
  /** Given, even when empty: TLS. */
  readonly tls?: TlsFiles;
  readonly auth?: { readonly username: string; readonly password: string };
  readonly callTimeoutMs?: number;
  /** How long a connection may be silent before it is asked whether it lives. etcd hangs up on who asks more often than every 5 s. */
  readonly keepaliveMs?: number;
  readonly keepaliveTimeoutMs?: number;
  readonly random: Random;
}

export interface Endpoint {
  readonly name: string;
  readonly client: Etcd3;
}

/** 5,000 leases are 3 MB and more; gRPC's default ends at 4. The server's own answers are not bounded. */
const LARGEST_ANSWER_BYTES = 512 * 1024 * 1024;
/** The wait between attempts is ours: gRPC's own grows to two minutes. */
const RECONNECT_MS = { first: 100, longest: 1000 };

type Policies = NonNullable<IOptions['faultHandling']>;
type Policy = NonNullable<Policies['global']>;

/** No breaker that refuses calls for seconds after the server is back, no repeats behind our back. */
const asItComes = {
  execute: async (work: (context: object) => unknown) => work({}),
  onSuccess: () => ({ dispose: () => undefined }),
  onFailure: () => ({ dispose: () => undefined }),
} as unknown as Policy;

export class Connection {
  readonly #options: ConnectOptions;
  readonly #clients = new Map<string, Etcd3>();
  /** Of all in this process: gRPC shares connections among clients whose options are the same. */
  static #made = 0;
  #closed = false;
  #at: number;
  /** Has told us that it knows no users. */
  #open = false;

  constructor(options: ConnectOptions) {
    this.#options = options;
    this.#at = options.random.below(options.endpoints.length);
  }

  get size(): number {
    return this.#options.endpoints.length;
  }

  /** The endpoint in use. */
  get endpoint(): Endpoint {
    const name = this.#options.endpoints[this.#at] ?? '';
    let client = this.#clients.get(name);
    if (client === undefined) {
      client = new Etcd3(clientOptions(name, this.#options, this.#open, ++Connection.#made));
      // Who calls after the end is told so.
      if (this.#closed) client.close();
      this.#clients.set(name, client);
    }
    return { name, client };
  }

  /**
   * It does not serve: the next one is used from now on, unless somebody has gone on already. Whoever comes back to it finds a new connection: one that
   * waits for an answer to its SYN may wait for two minutes after the server is back (tcp(7), tcp_syn_retries), and gRPC with it.
   */
  leave(endpoint: Endpoint): void {
    if (this.#clients.get(endpoint.name) !== endpoint.client) return;
    if (this.#options.endpoints[this.#at] === endpoint.name) this.#at = (this.#at + 1) % this.size;
    this.#retire(endpoint.name);
  }

  /**
   * What etcd says of our login, and etcd's own client minds, but etcd3 does not. True: the call is worth another try.
   * Authentication is off: it refuses to log anybody in, so we go on without, as flannel does. Switched on later, it asks for the name. Rights were
   * changed: a token that says when it was given (JWT) is not taken any more, and a new client gets a new one.
   */
  learn(error: unknown): boolean {
    if (this.#options.auth === undefined || !(error instanceof Error)) return false;
    const { message } = error;
    const open = message.includes('authentication is not enabled');
    const stale = message.includes('revision of auth store is old');
    if (!open && !stale && !message.includes('user name is empty')) return false;
    if (stale || open !== this.#open) {
      this.#open = open;
      for (const name of this.#options.endpoints) this.#retire(name);
    }
    return true;
  }

  close(): void {
    this.#closed = true;
    for (const name of this.#options.endpoints) this.#retire(name);
  }

  /** What is on its way there goes on to its end. */
  #retire(name: string): void {
    this.#clients.get(name)?.close();
    this.#clients.delete(name);
  }
}

function clientOptions(endpoint: string, options: ConnectOptions, open: boolean, made: number): IOptions {
  const { tls, auth, callTimeoutMs = 4000, keepaliveMs = 10_000, keepaliveTimeoutMs = 5000 } = options;
  return {
    hosts: `${tls === undefined ? 'http' : 'https'}://${endpoint}`,
    ...(tls === undefined ? {} : { credentials: credentialsOf(tls) }),
    ...(auth === undefined || open ? {} : { auth: { ...auth } }),
    // Logging in is a call like the others, and has the same deadline. A watch has none: its connection is kept alive instead.
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + callTimeoutMs }),
    faultHandling: { host: () => asItComes, global: asItComes },
    grpcOptions: {
      'grpc.keepalive_time_ms': keepaliveMs,
      'grpc.keepalive_timeout_ms': keepaliveTimeoutMs,
      'grpc.max_receive_message_length': LARGEST_ANSWER_BYTES,
      'grpc.initial_reconnect_backoff_ms': RECONNECT_MS.first,
      'grpc.min_reconnect_backoff_ms': RECONNECT_MS.first,
      'grpc.max_reconnect_backoff_ms': RECONNECT_MS.longest,
      // Not gRPC's: it tells the connections of one client from those of another.
      'weft.client': made,
      // A proxy that the environment names for the web is none for the store.
      'grpc.enable_http_proxy': 0,
    },
  };
}

function credentialsOf({ ca, cert, key }: TlsFiles): NonNullable<IOptions['credentials']> {
  return {
    rootCertificate: ca ?? Buffer.from(rootCertificates.join('\n')),
    ...(cert === undefined || key === undefined ? {} : { certChain: cert, privateKey: key }),
  };
}
