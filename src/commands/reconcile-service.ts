/**
 * `weftd reconcile --every`: of all that are started one leads and makes the runs, the others stand by. Who leads is told by a lock beside that of a run, so
 * that a run by hand, or of a Lambda, comes in between.
 *
 *   standing by ──(the lock is free, or its holder has shown no life for its whole lease)──► leading ──(lost, or ended)──► standing by
 */
import { Findings } from '../agent/findings.ts';
import { serve } from '../agent/http-server.ts';
import { Informed } from '../agent/keep-informed.ts';
import { patiently } from '../agent/patiently.ts';
import { sideBySide, untilAborted } from '../agent/side-by-side.ts';
import type { Supervisor } from '../contracts/supervisor.ts';
import { WeftError } from '../core/errors.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';
import type { ReconcilerParts, ReconcilerSettings } from '../reconcile/reconciler-parts.ts';
import { RunLock } from '../reconcile/run-lock.ts';
import type { Endpoint } from './option-kinds.ts';
import { ReconcileRuns } from './reconcile-runs.ts';
import { serviceLine, serviceRoutes, type ServiceFacts } from './reconcile-status.ts';

export interface ServiceParts extends Omit<ReconcilerParts, 'cloud' | 'inventory'> {
  readonly reconciler: Pick<Reconciler, 'run'>;
  readonly settings: ReconcilerSettings;
  readonly everyMs: number;
  readonly version: string;
  /** Absent: nobody waits to hear of us. */
  readonly supervisor?: Supervisor;
  /** Undefined: nobody may ask. */
  readonly listen: Endpoint | undefined;
}

const LEADER_KEY = 'service';
/** No call to the cloud rests on it, a run's lock is beside it: it may be short, so that somebody takes over soon. */
const LEASE_MS = 20_000;
const BEAT_MS = 5000;
/** A run that takes longer is cut, and the next goes on: what changes meanwhile is seen. */
const LONGEST_RUN_MS = 120_000;
/** Below it there is no time for the calls' own deadlines, and nothing would ever be begun. */
const SHORTEST_RUN_MS = 60_000;

export class ReconcileService {
  readonly #parts: ServiceParts;
  readonly #findings: Findings;
  readonly #runs: ReconcileRuns;
  readonly #lock: RunLock;
  readonly #startedMs: number;
  #leadsSinceMs: number | undefined;

  constructor(parts: ServiceParts) {
    const { settings, supervisor, clock } = parts;
    this.#parts = parts;
    this.#findings = new Findings(parts.log);
    this.#lock = new RunLock(parts, { owner: settings.name, key: LEADER_KEY, leaseMs: LEASE_MS, beatMs: BEAT_MS });
    this.#startedMs = clock.now();
    this.#runs = new ReconcileRuns({
      ...parts,
      findings: this.#findings,
      longestMs: Math.max(SHORTEST_RUN_MS, Math.min(LONGEST_RUN_MS, (supervisor?.watchdogMs ?? Infinity) / 2)),
    });
  }

  get facts(): ServiceFacts {
    const { settings, version, clock } = this.#parts;
    return {
      version,
      name: settings.name,
      networks: settings.networks,
      leadsSinceMs: this.#leadsSinceMs,
      leader: this.#lock.holder,
      runs: this.#runs,
      findings: this.#findings.all,
      startedMs: this.#startedMs,
      nowMs: clock.now(),
    };
  }

  /** Makes a run at once, if this one leads. */
  wake(): void {
    this.#runs.now();
  }

  /** Runs until the signal fires (ABORTED), and lets others lead at once then. */
  run(signal: AbortSignal): Promise<never> {
    const { clock, supervisor } = this.#parts;
    const busySinceMs = (): number | undefined => this.#runs.busySinceMs;
    const fares = () => ({ ready: true, status: serviceLine(this.facts) });
    // A run is short, and what it waits for has deadlines of its own.
    const parts = { clock, fares, busySinceMs, steps: () => 0 };
    return sideBySide(
      (ending) => [
        this.#standBy(ending),
        this.#serve(ending),
        ...(supervisor === undefined ? [] : [new Informed({ ...parts, supervisor }).run(ending)]),
      ],
      signal,
    );
  }

  async #standBy(signal: AbortSignal): Promise<never> {
    const { clock, random, log } = this.#parts;
    const patience = { clock, random, findings: this.#findings };
    for (;;) {
      log.debug({}, 'standing by');
      const lock = await patiently(
        'store',
        () => this.#lock.acquire(Infinity, signal),
        patience,
        signal,
        () => true,
      );
      if (lock === undefined) continue;
      this.#leadsSinceMs = clock.now();
      log.info({ node: this.#parts.settings.name }, 'this reconciler leads');
      try {
        await this.#runs.run(() => lock.validForMs() > 0, AbortSignal.any([signal, lock.lost]));
      } catch (error) {
        if (signal.aborted) throw error;
        if (!lock.lost.aborted) throw error;
        log.warn({ node: this.#parts.settings.name }, 'this reconciler leads no more: the lock of leadership is lost');
      } finally {
        this.#leadsSinceMs = undefined;
        await lock.release(AbortSignal.timeout(RELEASE_MS));
      }
    }
  }

  async #serve(signal: AbortSignal): Promise<never> {
    const { listen } = this.#parts;
    if (listen !== undefined) {
      const server = await serve(
        listen,
        serviceRoutes(() => this.facts),
        signal,
      ).catch((cause: unknown) => {
        throw new WeftError('CANNOT_LISTEN', `cannot listen on ${listen.host}:${listen.port}: ${String(cause)}`, {
          cause,
          hint: 'Choose another --status-listen.',
        });
      });
      await server.closed;
    }
    return untilAborted(signal);
  }
}

/** The service ends: what takes longer is over by itself when the lock's lease is. */
const RELEASE_MS = 3000;
