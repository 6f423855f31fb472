/**
 * When a service makes its runs, and what came of them. The first as soon as it leads, then by the clock, soon after leases or network config have changed,
 * and at once when a person asks.
 */
import type { Clock } from '../contracts/clock.ts';
import type { LeaseStore } from '../contracts/lease-store.ts';
import type { Log } from '../contracts/log.ts';
import type { Random } from '../contracts/random.ts';
import { findingOf, type Findings } from '../agent/findings.ts';
import { sideBySide, untilAborted } from '../agent/side-by-side.ts';
import { backoffMs } from '../core/backoff.ts';
import { Bell } from '../core/bell.ts';
import { WeftError } from '../core/errors.ts';
import type { RunReport, RunRequest } from '../reconcile/reconciler-parts.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';

export interface RunsParts {
  readonly store: Pick<LeaseStore, 'watch'>;
  readonly reconciler: Pick<Reconciler, 'run'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly findings: Findings;
  readonly everyMs: number;
  /** No run takes longer: what it leaves undone the next one goes on with. */
  readonly longestMs: number;
}

export interface LastRun {
  readonly report: RunReport;
  /** When it ended, by `Clock.now()`. */
  readonly atMs: number;
  readonly durationMs: number;
}

/** Changes come in batches, as where an Auto Scaling group starts. */
const BATCH_MS = 5000;
/** To go on with what was cut, or to look whether the other run is over. */
const AGAIN_MS = 5000;
const PAUSE = { baseMs: 2000, capMs: 60_000, floorMs: 1000 };
const SPREAD = 0.1;

export class ReconcileRuns {
  readonly totals = { done: 0, cut: 0, busy: 0, failed: 0, calls: 0 };
  readonly #parts: RunsParts;
  readonly #bell = new Bell();
  /** The next one by the clock: it comes although changes make others before it. */
  #scheduledMs = -Infinity;
  /** One that comes sooner. */
  #soon: { readonly atMs: number; readonly why: RunRequest['why'] } | undefined;
  #last: LastRun | undefined;
  #goodAtMs: number | undefined;
  #failures = 0;
  #busySinceMs: number | undefined;

  constructor(parts: RunsParts) {
    this.#parts = parts;
  }

  /** The last one that was made to its end, or to where it was cut. */
  get last(): LastRun | undefined {
    return this.#last;
  }

  /** When the last one ended that left nothing undone; by `Clock.now()`. */
  get goodAtMs(): number | undefined {
    return this.#goodAtMs;
  }

  /** Since when the run that is under way is. */
  get busySinceMs(): number | undefined {
    return this.#busySinceMs;
  }

  /** Failed since the last one that did not. */
  get failures(): number {
    return this.#failures;
  }

  /** A person asks. */
  now(): void {
    this.#by(-Infinity, 'person');
  }

  /**
   * Makes runs until the signal fires (ABORTED).
   * @param leads what a process that was paused finds out before it does anything
   */
  run(leads: () => boolean, signal: AbortSignal): Promise<never> {
    this.#scheduledMs = -Infinity;
    this.#soon = undefined;
    return sideBySide((ending) => [this.#makeRuns(leads, ending), this.#watch(ending)], signal);
  }

  async #makeRuns(leads: () => boolean, signal: AbortSignal): Promise<never> {
    const { clock } = this.#parts;
    for (;;) {
      // The signal follows.
      if (!leads()) await untilAborted(signal);
      const waitMs = Math.min(this.#scheduledMs, this.#soon?.atMs ?? Infinity) - clock.now();
      if (waitMs > 0) await this.#bell.wait(clock, waitMs, signal);
      else await this.#make(signal);
    }
  }

  async #make(signal: AbortSignal): Promise<void> {
    const { reconciler, clock, random, findings, everyMs, longestMs } = this.#parts;
    const beganMs = clock.now();
    const why = this.#scheduledMs <= beganMs ? 'schedule' : (this.#soon?.why ?? 'schedule');
    this.#busySinceMs = beganMs;
    // What comes up from now on makes another.
    this.#soon = undefined;
    if (why === 'schedule') this.#scheduledMs = beganMs + everyMs * (1 + SPREAD * (2 * random.fraction() - 1));
    const request = { why, leaving: [], adopt: false, dryRun: false, untilMs: beganMs + longestMs };
    try {
      const report = await reconciler.run(request, signal);
      this.#take(report, beganMs);
      findings.clear('store');
    } catch (error) {
      if (signal.aborted) throw error;
      this.totals.failed += 1;
      this.#failures += 1;
      const finding = findingOf(error);
      findings.set(finding.code.startsWith('STORE_') ? 'store' : 'cloud', [finding]);
      this.#by(clock.now() + backoffMs(this.#failures, random.fraction(), PAUSE), 'change');
    } finally {
      this.#busySinceMs = undefined;
    }
  }

  #take(report: RunReport, beganMs: number): void {
    const { clock, log, findings } = this.#parts;
    const atMs = clock.now();
    this.#failures = 0;
    this.totals[report.how] += 1;
    this.totals.calls += report.calls;
    if (report.how !== 'done') this.#by(atMs + AGAIN_MS, 'change');
    if (report.how === 'busy') {
      log.debug({}, 'another run is under way');
      return;
    }
    this.#last = { report, atMs, durationMs: atMs - beganMs };
    if (report.how === 'done') this.#goodAtMs = atMs;
    findings.set('cloud', report.findings);
    log.debug({ durationMs: atMs - beganMs, count: report.audit.length, why: report.how }, 'run has ended');
  }

  async #watch(signal: AbortSignal): Promise<never> {
    const { store, clock } = this.#parts;
    let isFirst = true;
    // Troubles of the store show in the runs.
    for await (const _ of store.watch(signal)) {
      if (!isFirst) this.#by(clock.now() + BATCH_MS, 'change');
      isFirst = false;
    }
    throw new WeftError(signal.aborted ? 'ABORTED' : 'INTERNAL', 'the watch of the store has ended');
  }

  #by(atMs: number, why: RunRequest['why']): void {
    if (atMs < (this.#soon?.atMs ?? Infinity)) this.#soon = { atMs, why };
    this.#bell.ring();
  }
}
