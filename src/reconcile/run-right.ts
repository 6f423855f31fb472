/** By what right a run writes: it holds the lock, has time and a place among the calls left, and the store says a moment ago what it said at the start. */
import type { Clock } from '../contracts/clock.ts';
import { CLOUD_CALL_DEADLINE_MS } from '../core/cloud-route.ts';
import type { LeaseKey } from '../core/lease.ts';
import type { RouteWriter } from '../core/route-writer.ts';
import type { ApiBudget } from './api-budget.ts';
import type { RouteCall } from './cloud-plan.ts';
import type { LeaseLooks } from './lease-looks.ts';
import type { WriteRight } from './route-writer.ts';
import type { HeldLock } from './run-lock.ts';

/** How old the word of the store may be. */
const FRESH_MS = 30_000;
/** And how old where a route goes because its owner is silent: one who was cut off for a day may come back at any moment. */
const FRESH_OF_SILENT_MS = 1000;
/** What a run needs after its last call: one look, the rows that say what was seen, and its own records. */
export const TAIL_MS = 10_000;

const NO_TIME = 'the time of this run is over';
const NO_CALLS = 'no more calls may be made within the time of this run';
const NO_LOCK = 'the lock of the reconciler is not certain to outlast the call';

export interface RunRightParts {
  readonly clock: Clock;
  readonly budget: ApiBudget;
  readonly lock: Pick<HeldLock, 'validForMs'>;
  readonly looks: LeaseLooks;
  /** Leases that nobody renews, in the version that has stood too long. */
  readonly silent: ReadonlyMap<LeaseKey, string>;
  /** Under which the run began. */
  readonly writer: RouteWriter;
  readonly untilMs: number;
}

export class RunRight implements WriteRight {
  readonly #parts: RunRightParts;
  #isCut = false;
  #lastTurn: Promise<void> = Promise.resolve();

  constructor(parts: RunRightParts) {
    this.#parts = parts;
  }

  /** Something was left undone for want of time or calls. */
  get isCut(): boolean {
    return this.#isCut;
  }

  async mayWrite({ row, kind }: RouteCall, deadlineMs: number, signal: AbortSignal): Promise<string | undefined> {
    const why = this.mayCall(deadlineMs);
    if (why !== undefined) return why;
    const { looks, writer, clock, lock } = this.#parts;
    const owned = kind === 'remove' ? looks.lease(row.destination) : undefined;
    const silent = owned === undefined ? undefined : this.#parts.silent.get(owned.key);
    await looks.within(silent === undefined ? FRESH_MS : FRESH_OF_SILENT_MS, signal);
    const now = looks.writer;
    if (now !== undefined && (now.mode !== writer.mode || now.generation !== writer.generation))
      return `routes are written by ${now.mode === 'node' ? 'nodes' : 'the reconciler'} under generation ${now.generation} now`;
    if (silent !== undefined && looks.lease(row.destination)?.version !== silent)
      return `the owner of ${row.destination} is silent no more`;
    if (!looks.isAsJudged(row.destination) || (kind === 'remove' && looks.isUnreadable(row.destination)))
      return `the lease of ${row.destination} has changed since it was planned`;
    // The look may have taken its time.
    return this.#lateBy(clock.now() + deadlineMs) ?? (lock.validForMs() > deadlineMs ? undefined : NO_LOCK);
  }

  /** Of a call that no lease has to vouch for. */
  mayCall(deadlineMs = CLOUD_CALL_DEADLINE_MS): string | undefined {
    const { clock, lock } = this.#parts;
    return this.#lateBy(clock.now() + deadlineMs) ?? (lock.validForMs() > deadlineMs ? undefined : NO_LOCK);
  }

  /** In the order in which it was asked for: what most send by is planned first, and shall stand first. */
  async turn(signal: AbortSignal): Promise<string | undefined> {
    const { budget, untilMs } = this.#parts;
    const before = this.#lastTurn;
    let end = (): void => undefined;
    this.#lastTurn = new Promise((resolve) => (end = resolve));
    await before;
    try {
      if (await budget.take(1, untilMs - CLOUD_CALL_DEADLINE_MS - TAIL_MS, signal)) return undefined;
      this.#isCut = true;
      return NO_CALLS;
    } finally {
      end();
    }
  }

  /** May something be waited for, and looked at after that? */
  mayWait(ms: number): boolean {
    return this.#lateBy(this.#parts.clock.now() + ms) === undefined;
  }

  #lateBy(endMs: number): string | undefined {
    if (endMs + TAIL_MS <= this.#parts.untilMs) return undefined;
    this.#isCut = true;
    return NO_TIME;
  }
}
