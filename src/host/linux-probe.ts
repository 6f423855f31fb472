/** `PathProbe` on Linux: the main thread's side. What sends and receives is the kernel worker's (probe-station.ts). */
import { setTimeout as wait } from 'node:timers/promises';
import type {
  KnownTraffic,
  PathProbe,
  ProbeOutcome,
  ProbePeer,
  ProbeSelf,
  ProbeTarget,
} from '../contracts/path-probe.ts';
import { WeftError } from '../core/errors.ts';
import type { Subnet } from '../core/subnet.ts';
import { errnoName } from '../native/kernel-error.ts';
import { Activity } from './activity.ts';
import { kernelFailure } from './kernel-errors.ts';
import type { KernelThread, ThreadUser } from './kernel-thread.ts';
import { publicProbeKey } from './probe-keys.ts';
import type { FromWorker } from './worker-messages.ts';

/** Room for the sequences of one worker: no other that this process starts uses them again. */
const SEQUENCES_A_WORKER = 1 << 24;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: WeftError) => void;
}

export class LinuxProbe implements PathProbe, ThreadUser {
  readonly key: string;
  readonly #open: () => KernelThread;
  readonly #privateKey: string;
  readonly #activity: Activity;
  #thread: KernelThread | undefined;
  #firstSequence = 0;
  /** What the worker listens as. */
  #listeningAs: string | undefined;
  #peers: readonly ProbePeer[] = [];
  #listening: Waiter[] = [];
  #outcomes: ProbeOutcome[] = [];
  #failure: Error | undefined;
  #asks: ProbeTarget[] = [];
  #wake: () => void = () => {};

  constructor(thread: () => KernelThread, privateKey: string, instance: string) {
    this.#open = thread;
    this.#privateKey = privateKey;
    this.key = publicProbeKey(privateKey);
    this.#activity = new Activity(instance);
  }

  async listen(self: ProbeSelf, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new WeftError('ABORTED', 'stopped before it listened for probes');
    await this.#join();
    const { watchesTraffic: _, ...place } = self;
    const as = JSON.stringify(place);
    if (as !== this.#listeningAs) await this.#listen(self, signal);
    this.#listeningAs = as;
    await this.#activity.watch(self, signal);
  }

  async #listen(self: ProbeSelf, signal: AbortSignal): Promise<void> {
    this.#listeningAs = undefined;
    const listening = new Promise<void>((resolve, reject) => this.#listening.push({ resolve, reject }));
    const { privateKey, firstSequence } = { privateKey: this.#privateKey, firstSequence: this.#firstSequence };
    this.#thread?.post({ kind: 'probe-listen', self, privateKey, firstSequence });
    this.#thread?.post({ kind: 'probe-serve', peers: this.#peers });
    // Listening holds the process for the moment that it takes.
    const hold = setInterval(() => {}, 60_000);
    let onAbort = (): void => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = (): void => reject(new WeftError('ABORTED', 'stopped while it began to listen for probes'));
      signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      await Promise.race([listening, aborted]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      clearInterval(hold);
    }
  }

  serve(peers: readonly ProbePeer[]): void {
    this.#peers = peers;
    this.#thread?.post({ kind: 'probe-serve', peers });
  }

  ask(target: ProbeTarget): void {
    // All that are asked in one go make one message.
    if (this.#asks.push(target) === 1) queueMicrotask(() => this.#sendAsks());
  }

  async *outcomes(signal: AbortSignal): AsyncGenerator<readonly ProbeOutcome[], void, undefined> {
    const onAbort = (): void => this.#wake();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const failure = this.#failure;
        this.#failure = undefined;
        if (failure !== undefined) throw refused('probe', failure);
        const outcomes = this.#outcomes;
        this.#outcomes = [];
        if (outcomes.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
        else yield outcomes;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async active(known: KnownTraffic | undefined, signal: AbortSignal): Promise<ReadonlySet<Subnet> | undefined> {
    for (;;) {
      if (known !== undefined)
        await wait(known.everyMs(), undefined, { signal }).catch(() => {
          throw new WeftError('ABORTED', 'stopped while traffic was watched', { cause: signal.reason });
        });
      const active = await this.#activity.read(signal);
      if (known === undefined || !isSame(active, known.active)) return active;
    }
  }

  async forget(signal: AbortSignal): Promise<void> {
    this.close();
    await this.#activity.forget(signal);
  }

  /** Neither asks nor answers any more. */
  close(): void {
    this.#listeningAs = undefined;
    this.#thread?.post({ kind: 'probe-stop' });
    this.#thread?.leave(this);
    this.#thread = undefined;
  }

  onMessage(message: FromWorker): void {
    if (message.kind === 'probe-outcomes') {
      this.#outcomes.push(...message.outcomes);
      this.#wake();
    } else if (message.kind === 'probe-listening') {
      const waiter = this.#listening.shift();
      if (message.refused === undefined) waiter?.resolve();
      else waiter?.reject(unavailable(`${message.refused.call}`, message.refused.errno));
    }
  }

  onFailure(error: Error): void {
    this.#thread = undefined;
    this.#listeningAs = undefined;
    this.#failure = error;
    for (const { reject } of this.#listening.splice(0)) reject(refused('listen for probes', error));
    this.#wake();
  }

  #sendAsks(): void {
    const targets = this.#asks;
    this.#asks = [];
    this.#thread?.post({ kind: 'probe-ask', targets });
  }

  async #join(): Promise<void> {
    if (this.#thread !== undefined) return;
    try {
      const thread = this.#open();
      await thread.join(this);
      this.#thread = thread;
      this.#firstSequence += SEQUENCES_A_WORKER;
    } catch (error) {
      throw kernelFailure('start the kernel worker', error);
    }
  }
}

const isSame = (a: ReadonlySet<Subnet> | undefined, b: ReadonlySet<Subnet> | undefined): boolean =>
  a === undefined || b === undefined ? a === b : a.size === b.size && [...a].every((subnet) => b.has(subnet));

const refused = (what: string, error: Error): WeftError =>
  new WeftError('KERNEL_REFUSED', `${what}: ${error.message}`, { cause: error });

const unavailable = (call: string, errno: number): WeftError =>
  new WeftError('PROBE_UNAVAILABLE', `cannot listen for probes: ${call}`, {
    hint:
      errnoName(errno) === 'EADDRINUSE'
        ? 'Another program has the UDP port: set Weft.Probe.Port to a free one on every host.'
        : 'Run weftd as root, or give it CAP_NET_ADMIN and CAP_NET_RAW.',
  });
