/** Hosts that probe each other in memory, over paths that the test breaks per direction. */
import type { PathProbe, ProbeOutcome, ProbeTarget } from '../../src/contracts/path-probe.ts';
import { WeftError } from '../../src/core/errors.ts';
import { PATH_NAMES, type PathName } from '../../src/core/path.ts';
import type { Subnet } from '../../src/core/subnet.ts';

export class FakeProbeNet {
  readonly #hosts = new Map<Subnet, FakeProbe>();
  readonly #down = new Set<string>();
  readonly #plain = new Set<Subnet>();

  join(subnet: Subnet): FakeProbe {
    const probe = new FakeProbe(this, subnet);
    this.#hosts.set(subnet, probe);
    return probe;
  }

  /** A host that runs no Weft: its kernel answers echo requests, and nothing else does. */
  joinPlain(subnet: Subnet): void {
    this.#plain.add(subnet);
  }

  /** Packets of this path no longer get from one to the other; the way back is another matter. */
  breakPath(from: Subnet, to: Subnet, path: PathName): void {
    this.#down.add(`${from} ${to} ${path}`);
  }

  mendPath(from: Subnet, to: Subnet, path: PathName): void {
    this.#down.delete(`${from} ${to} ${path}`);
  }

  leave(subnet: Subnet): void {
    this.#hosts.delete(subnet);
    this.#plain.delete(subnet);
  }

  outcome(from: Subnet, { subnet, path, responder }: ProbeTarget): ProbeOutcome {
    const carries = (source: Subnet, target: Subnet, by: PathName): boolean =>
      !this.#down.has(`${source} ${target} ${by}`);
    const there = carries(from, subnet, path);
    const back = PATH_NAMES.some((by) => carries(subnet, from, by));
    const answersEcho = this.#hosts.has(subnet) || this.#plain.has(subnet);
    const answers = responder === undefined ? answersEcho : (this.#hosts.get(subnet)?.serves(from) ?? false);
    if (there && back && answers)
      return { subnet, path, verdict: 'heard', ...(carries(subnet, from, path) ? { rttMs: 1 } : {}) };
    // Asked again over a second path, a Weft peer says what it heard on the first; an echo cannot.
    const second = PATH_NAMES.some((by) => by !== path && carries(from, subnet, by));
    return {
      subnet,
      path,
      verdict: !there && responder !== undefined && second && back && answers ? 'missed' : 'silent',
    };
  }
}

export class FakeProbe implements PathProbe {
  /** What `active` says. */
  readonly traffic = new Set<Subnet>();
  readonly #net: FakeProbeNet;
  readonly #subnet: Subnet;
  readonly #readers = new Set<(outcome: ProbeOutcome) => void>();
  #served: ReadonlySet<Subnet> = new Set();

  constructor(net: FakeProbeNet, subnet: Subnet) {
    this.#net = net;
    this.#subnet = subnet;
  }

  async ask(target: ProbeTarget, signal: AbortSignal): Promise<void> {
    await Promise.resolve();
    if (signal.aborted) throw new WeftError('ABORTED', 'gave up asking', { cause: signal.reason });
    const outcome = this.#net.outcome(this.#subnet, target);
    for (const read of this.#readers) read(outcome);
  }

  async *outcomes(signal: AbortSignal): AsyncGenerator<ProbeOutcome> {
    const waiting: ProbeOutcome[] = [];
    let wake = (): void => undefined;
    const read = (outcome: ProbeOutcome): void => {
      waiting.push(outcome);
      wake();
    };
    const end = (): void => wake();
    this.#readers.add(read);
    signal.addEventListener('abort', end);
    try {
      while (!signal.aborted) {
        const outcome = waiting.shift();
        if (outcome !== undefined) yield outcome;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.#readers.delete(read);
      signal.removeEventListener('abort', end);
    }
  }

  serve(peers: readonly ProbeTarget[]): void {
    this.#served = new Set(peers.map(({ subnet }) => subnet));
  }

  serves(subnet: Subnet): boolean {
    return this.#served.has(subnet);
  }

  async active(signal: AbortSignal): Promise<ReadonlySet<Subnet>> {
    if (signal.aborted) throw new WeftError('ABORTED', 'gave up', { cause: signal.reason });
    return new Set(this.traffic);
  }
}
