/** Keeps a service manager informed: ready once, how it fares when that changes, and that the process is alive for as long as it is. */
import type { Clock } from '../contracts/clock.ts';
import type { Supervisor } from '../contracts/supervisor.ts';

/** How a service fares at one moment. */
export interface Fares {
  /** The start is over; what waits for it may go on. */
  readonly ready: boolean;
  readonly status: string;
}

export interface InformedParts {
  readonly clock: Clock;
  readonly supervisor: Supervisor;
  readonly fares: () => Fares;
  /** Since when the work that is under way is; undefined: none is. */
  readonly busySinceMs: () => number | undefined;
  /** Rises while work that takes long gets on. */
  readonly steps: () => number;
}

/** How soon a change of status is told. */
const LOOK_EVERY_MS = 1000;

export class Informed {
  readonly #parts: InformedParts;
  #isReady = false;
  #said: string | undefined;
  #aliveAtMs = -Infinity;
  #moved = { steps: 0, atMs: -Infinity };

  constructor(parts: InformedParts) {
    this.#parts = parts;
  }

  /** Tells what there is to tell now. */
  tell(): void {
    const { clock, supervisor, fares, busySinceMs, steps } = this.#parts;
    const watchdogMs = supervisor.watchdogMs ?? Infinity;
    const nowMs = clock.now();
    const { ready: isOver, status } = fares();
    const ready = !this.#isReady && isOver;
    if (steps() !== this.#moved.steps) this.#moved = { steps: steps(), atMs: nowMs };
    const sinceMs = busySinceMs();
    // The thread lives, but the work waits for something that does not come: whoever starts us again helps.
    const hangs = sinceMs !== undefined && nowMs - Math.max(sinceMs, this.#moved.atMs) > watchdogMs;
    const alive = nowMs >= this.#aliveAtMs + watchdogMs / 2 && !hangs;
    if (!ready && !alive && status === this.#said) return;
    const told = supervisor.tell({
      ...(ready ? { ready } : {}),
      ...(alive ? { alive } : {}),
      ...(status === this.#said ? {} : { status }),
    });
    if (!told) return;
    this.#said = status;
    this.#isReady ||= ready;
    if (alive) this.#aliveAtMs = nowMs;
  }

  /** Rejects with ABORTED when the signal fires. */
  async run(signal: AbortSignal): Promise<never> {
    const { clock, supervisor } = this.#parts;
    try {
      for (;;) {
        if (!signal.aborted) this.tell();
        await clock.sleep(Math.min(LOOK_EVERY_MS, (supervisor.watchdogMs ?? Infinity) / 4), signal);
      }
    } finally {
      supervisor.tell({ stopping: true, status: 'ending' });
    }
  }
}
