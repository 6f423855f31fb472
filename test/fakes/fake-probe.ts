/** Probes without packets: what is heard follows from which directions of which paths are cut. */
import type { PathProbe, ProbeOutcome, ProbePeer, ProbeSelf, ProbeTarget } from '../../src/contracts/path-probe.ts';
import type { Address } from '../../src/core/address.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { PathName } from '../../src/core/path.ts';
import type { SettledProbe } from '../../src/core/probe-verdict.ts';
import type { Subnet } from '../../src/core/subnet.ts';

export class FakeProbeNetwork {
  readonly probes = new Map<Address, FakeProbe>();
  /** Those that answer echoes although no daemon runs there. */
  readonly kernels = new Set<Address>();
  readonly #cuts = new Set<string>();

  cut(from: Address, path: PathName): void {
    this.#cuts.add(`${from} ${path}`);
  }

  mend(from: Address, path: PathName): void {
    this.#cuts.delete(`${from} ${path}`);
  }

  carries(from: Address, path: PathName): boolean {
    return !this.#cuts.has(`${from} ${path}`);
  }
}

export class FakeProbe implements PathProbe {
  readonly key: string;
  /** Subnets with traffic; undefined: there is no telling. */
  traffic: Set<Subnet> | undefined = new Set();
  /** All that was asked, `path by base`. */
  readonly asked: string[] = [];
  readonly #network: FakeProbeNetwork;
  #self: ProbeSelf | undefined;
  /** Incarnations that peers have shown by asking. */
  readonly #met = new Map<Address, number>();
  #peers = new Map<Address, ProbePeer>();
  #outcomes: ProbeOutcome[] = [];
  #wake: () => void = () => {};

  constructor(network: FakeProbeNetwork, key: string) {
    this.#network = network;
    this.key = key;
  }

  listen(self: ProbeSelf, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(new WeftError('ABORTED', 'stopped before it listened'));
    this.#self = self;
    this.#network.probes.set(self.base, this);
    return Promise.resolve();
  }

  serve(peers: readonly ProbePeer[]): void {
    this.#peers = new Map(peers.map((peer) => [peer.base, peer]));
  }

  ask(target: ProbeTarget): void {
    this.asked.push(`${target.path} ${target.by} ${target.base}`);
    this.#outcomes.push({ ...this.#outcomeOf(target), subnet: target.subnet, by: target.by });
    this.#wake();
  }

  async *outcomes(signal: AbortSignal): AsyncGenerator<ProbeOutcome, void, undefined> {
    const onAbort = (): void => this.#wake();
    signal.addEventListener('abort', onAbort);
    while (!signal.aborted) {
      const outcome = this.#outcomes.shift();
      if (outcome === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else yield outcome;
    }
    signal.removeEventListener('abort', onAbort);
  }

  active(): Promise<ReadonlySet<Subnet> | undefined> {
    return Promise.resolve(this.traffic === undefined ? undefined : new Set(this.traffic));
  }

  forget(): Promise<void> {
    if (this.#self !== undefined) this.#network.probes.delete(this.#self.base);
    this.#self = undefined;
    return Promise.resolve();
  }

  /** The daemon is gone; the kernel is not. */
  die(): void {
    if (this.#self === undefined) return;
    this.#network.probes.delete(this.#self.base);
    this.#network.kernels.add(this.#self.base);
  }

  /** The kernel is gone too. */
  off(): void {
    if (this.#self === undefined) return;
    this.#network.probes.delete(this.#self.base);
    this.#network.kernels.delete(this.#self.base);
  }

  #outcomeOf({ base, path, by }: ProbeTarget): SettledProbe {
    const own = this.#self;
    const far = this.#network.probes.get(base);
    if (own === undefined) return { path, verdict: 'silent' };
    const answers =
      by === 'probe'
        ? far?.answers(own, this) === true && this.#knows(far)
        : far !== undefined || this.#network.kernels.has(base);
    const carries = (from: Address, way: PathName): boolean => this.#network.carries(from, way);
    const ways = own.paths.map((each) => each.path);
    const isBack = ways.some((way) => carries(base, way));
    const isOut = ways.some((way) => carries(own.base, way));
    if (!answers || !isBack || !isOut) return { path, verdict: 'silent' };
    if (!carries(own.base, path)) return { path, verdict: 'missed', why: 'the peer did not hear it' };
    return carries(base, path) ? { path, verdict: 'heard', rttMs: 1 } : { path, verdict: 'heard' };
  }

  /** Would it answer this asker? Learns from being asked, as the real one does. */
  answers(asker: ProbeSelf, by: FakeProbe): boolean {
    if (this.#self === undefined || this.#peers.get(asker.base)?.key !== by.key) return false;
    if (by.incarnationOf(this.#self.base) !== this.#self.incarnation) return false;
    this.#met.set(asker.base, asker.incarnation);
    return true;
  }

  incarnationOf(peer: Address): number {
    return Math.max(this.#peers.get(peer)?.incarnation ?? 0, this.#met.get(peer) ?? 0);
  }

  #knows(far: FakeProbe): boolean {
    return far.#self !== undefined && this.#peers.get(far.#self.base)?.key === far.key;
  }
}
