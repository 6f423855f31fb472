/** Probes without packets: what is heard follows from which directions of which paths are cut. */
import type {
  KnownTraffic,
  PathProbe,
  ProbeOutcome,
  ProbePeer,
  ProbeSelf,
  ProbeTarget,
} from '../../src/contracts/path-probe.ts';
import type { Address } from '../../src/core/address.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { PathName } from '../../src/core/path.ts';
import type { SettledProbe } from '../../src/core/probe-verdict.ts';
import type { Subnet } from '../../src/core/subnet.ts';

/** Tells when it changes. */
class Traffic extends Set<Subnet> {
  readonly #changed: () => void;

  constructor(changed: () => void) {
    super();
    this.#changed = changed;
  }

  override add(subnet: Subnet): this {
    super.add(subnet);
    this.#changed();
    return this;
  }

  override delete(subnet: Subnet): boolean {
    const was = super.delete(subnet);
    this.#changed();
    return was;
  }
}

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
    return this.#cuts.size === 0 || !this.#cuts.has(`${from} ${path}`);
  }
}

export class FakeProbe implements PathProbe {
  readonly key: string;
  /** How often it was asked, and by what. */
  asked = 0;
  readonly askedBy = { probe: 0, echo: 0 };
  #traffic: Set<Subnet> | undefined = new Traffic(() => this.#look());
  #look: () => void = () => {};
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
    this.asked += 1;
    this.askedBy[target.by] += 1;
    this.#outcomes.push({ ...this.#outcomeOf(target), subnet: target.subnet, by: target.by });
    this.#wake();
  }

  async *outcomes(signal: AbortSignal): AsyncGenerator<readonly ProbeOutcome[], void, undefined> {
    const onAbort = (): void => this.#wake();
    signal.addEventListener('abort', onAbort);
    while (!signal.aborted) {
      const outcomes = this.#outcomes;
      this.#outcomes = [];
      if (outcomes.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      else yield outcomes;
    }
    signal.removeEventListener('abort', onAbort);
  }

  /** Looks when there is something to see: nobody's time has to pass for that. */
  async active(known: KnownTraffic | undefined, signal: AbortSignal): Promise<ReadonlySet<Subnet> | undefined> {
    while (known !== undefined && !signal.aborted && isSame(this.#traffic, known.active))
      await new Promise<void>((resolve) => {
        this.#look = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    if (signal.aborted) throw new WeftError('ABORTED', 'stopped while it waited for traffic');
    return this.#traffic === undefined ? undefined : new Set(this.#traffic);
  }

  /** Subnets with traffic; undefined: there is no telling. */
  get traffic(): Set<Subnet> | undefined {
    return this.#traffic;
  }

  /** As it was told at last. */
  get isWatching(): boolean | undefined {
    return this.#self?.watchesTraffic;
  }

  cannotSeeTraffic(): void {
    this.#traffic = undefined;
    this.#look();
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
    const isBack = own.paths.some((way) => carries(base, way.path));
    const isOut = own.paths.some((way) => carries(own.base, way.path));
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

const isSame = (a: ReadonlySet<Subnet> | undefined, b: ReadonlySet<Subnet> | undefined): boolean =>
  a === undefined || b === undefined ? a === b : a.size === b.size && [...a].every((subnet) => b.has(subnet));
