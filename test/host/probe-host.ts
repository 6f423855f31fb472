/** The test's side of a probe child: a PathProbe whose sockets are in another network namespace. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type {
  KnownTraffic,
  PathProbe,
  ProbeOutcome,
  ProbePeer,
  ProbeSelf,
  ProbeTarget,
} from '../../src/contracts/path-probe.ts';
import { WeftError, type ErrorCode } from '../../src/core/errors.ts';
import type { HostEntry } from '../../src/core/host-entry.ts';
import type { Subnet } from '../../src/core/subnet.ts';
import { insideOf } from '../../src/lab/namespaces.ts';
import type { ChildOrder } from './probe-child.ts';

interface Waiter {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Said {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly code?: ErrorCode; readonly message: string };
  readonly outcome?: ProbeOutcome;
  readonly key?: string;
}

export class ProbeHost implements PathProbe {
  readonly key: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiters = new Map<number, Waiter>();
  readonly #ended: Promise<void>;
  #isClosed = false;
  #next = 1;
  #outcomes: ProbeOutcome[] = [];
  #wake: () => void = () => {};

  static start(namespace: string, privateKey: string): Promise<ProbeHost> {
    const file = fileURLToPath(new URL('probe-child.js', import.meta.url));
    const [program, ...args] = insideOf(namespace, [process.execPath, '--enable-source-maps', file]);
    const child = spawn(program, args, {
      env: { ...process.env, WEFT_TEST_PROBE_KEY: privateKey },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    return new Promise((resolve, reject) => {
      let host: ProbeHost | undefined;
      child.once('error', reject);
      child.once('exit', (code, signal) => reject(new Error(`a probe child ended with ${signal ?? code}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        const said = JSON.parse(line) as Said;
        if (said.key !== undefined) resolve((host = new ProbeHost(child, said.key)));
        else host?.hear(said);
      });
    });
  }

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>, key: string) {
    this.key = key;
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('exit', () => resolve()));
    // Else whoever waits for it would wait for ever.
    void this.#ended.then(() => {
      if (!this.#isClosed) for (const { reject } of this.#waiters.values()) reject(new Error('a probe child ended'));
    });
  }

  hear({ id, result, error, outcome }: Said): void {
    if (outcome !== undefined) {
      this.#outcomes.push(outcome);
      this.#wake();
    }
    const waiter = id === undefined ? undefined : this.#waiters.get(id);
    if (waiter === undefined || id === undefined) return;
    this.#waiters.delete(id);
    if (error === undefined) waiter.resolve(result);
    else waiter.reject(new WeftError(error.code ?? 'INTERNAL', error.message));
  }

  put(...entries: readonly HostEntry[]): Promise<unknown> {
    return this.#tell({ kind: 'put', entries });
  }

  remove(...entries: readonly HostEntry[]): Promise<unknown> {
    return this.#tell({ kind: 'remove', entries });
  }

  /** A datagram of an ordinary program. */
  packet(packet: Omit<Extract<ChildOrder, { kind: 'packet' }>, 'kind'>): Promise<unknown> {
    return this.#tell({ kind: 'packet', ...packet });
  }

  /** Packets by a program that is no prober, in hexadecimal, and what came back until the last was answered. */
  async exchange(from: string, to: string, packets: readonly string[]): Promise<readonly string[]> {
    return (await this.#tell({ kind: 'exchange', from, to, packets })) as readonly string[];
  }

  async listen(self: ProbeSelf, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new WeftError('ABORTED', 'stopped before it listened');
    await this.#tell({ kind: 'listen', self });
  }

  serve(peers: readonly ProbePeer[]): void {
    void this.#tell({ kind: 'serve', peers });
  }

  ask(target: ProbeTarget): void {
    void this.#tell({ kind: 'ask', target });
  }

  async *outcomes(signal: AbortSignal): AsyncGenerator<readonly ProbeOutcome[], void, undefined> {
    const onAbort = (): void => this.#wake();
    signal.addEventListener('abort', onAbort);
    while (!signal.aborted) {
      const outcome = this.#outcomes.shift();
      if (outcome === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else yield [outcome];
    }
    signal.removeEventListener('abort', onAbort);
  }

  async active(known: KnownTraffic | undefined, signal: AbortSignal): Promise<ReadonlySet<Subnet> | undefined> {
    const order: ChildOrder =
      known === undefined
        ? { kind: 'active' }
        : {
            kind: 'traffic',
            known: known.active === undefined ? null : [...known.active],
            everyMs: known.everyMs(),
          };
    const aborted = new Promise<never>((_, reject) => {
      const end = (): void => reject(new WeftError('ABORTED', 'stopped while it waited for traffic'));
      signal.addEventListener('abort', end, { once: true });
    });
    const active = (await Promise.race([this.#tell(order), aborted])) as readonly Subnet[] | null;
    return active === null ? undefined : new Set(active);
  }

  async forget(): Promise<void> {
    await this.#tell({ kind: 'forget' });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** Settled when all that was told before is done too. */
  #tell(order: ChildOrder): Promise<unknown> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiters.set(id, { resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ id, order })}\n`);
    });
  }
}
