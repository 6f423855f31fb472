/**
 * Keeps every route of the network true, from outside its nodes: one run looks at everything, and what it leaves undone the next one finds. Of any
 * number of reconcilers one runs at a time, by a lock in the store.
 */
import { isoTime } from '../core/iso-time.ts';
import { ROUTE_WRITER_KEY, routeWriter, type RouteWriter } from '../core/route-writer.ts';
import { ApiBudget } from './api-budget.ts';
import { AuditLog } from './audit-log.ts';
import type { ReconcilerParts, ReconcilerSettings, RunReport, RunRequest } from './reconciler-parts.ts';
import { ReconcilerRun } from './reconciler-run.ts';
import { RunLock, type HeldLock } from './run-lock.ts';
import { readRunState, saveRunState, type RunState } from './run-state.ts';

/** Longer than the lease of a lock whose holder died, so that one run after that takes it over even if none of its process was there before. */
const LOCK_WAIT_MS = 60_000;
/** Old audit records are looked for in one of so many runs. */
const PRUNE_EVERY = 100;

/** One for a process. */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #settings: ReconcilerSettings;
  readonly #lock: RunLock;
  readonly #budget: ApiBudget;

  constructor(parts: ReconcilerParts, settings: ReconcilerSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#lock = new RunLock(parts, { owner: settings.name });
    this.#budget = new ApiBudget(parts, settings.rate);
  }

  /**
   * Rejects when store or cloud cannot be read, or before what was told of leaving machines is written down: nothing that depends on it was done. Never two
   * at once.
   */
  async run(request: RunRequest, signal: AbortSignal): Promise<RunReport> {
    const { clock } = this.#parts;
    if (request.dryRun) {
      const state = await this.#state(request, signal);
      return this.#runOf(request, { validForMs: () => Infinity }, state, this.#auditLog()).run(signal);
    }
    const held = await this.#lock.acquire(Math.min(LOCK_WAIT_MS, Math.max(0, request.untilMs - clock.now())), signal);
    if (held === undefined) return this.#idle('busy', await this.#writer(signal));
    const audit = this.#auditLog();
    // What tidies up goes on when the run was told to end: store and cloud have deadlines of their own.
    const tidy = new AbortController().signal;
    try {
      return await this.#locked(request, held, audit, signal);
    } finally {
      await audit.flush(tidy);
      await this.#budget.giveBack(tidy);
      await held.release(tidy);
    }
  }

  async #locked(request: RunRequest, held: HeldLock, audit: AuditLog, signal: AbortSignal): Promise<RunReport> {
    const { records, clock } = this.#parts;
    const startMs = clock.now();
    const within = AbortSignal.any([signal, held.lost]);
    const state = await saveRunState(records, await this.#state(request, within), within);
    const run = this.#runOf(request, held, state, audit);
    try {
      const report = await run.run(within);
      if (audit.trouble !== undefined) await audit.flush(within);
      const { trouble } = audit;
      const findings =
        trouble === undefined
          ? report.findings
          : [...report.findings, { code: trouble.code, message: `the audit could not be written: ${trouble.message}` }];
      if (state.run % PRUNE_EVERY === 0) await audit.prune(within);
      if (report.how === 'done') await this.#saveGood(state, request, run.calls, clock.now() - startMs, within);
      return { ...report, findings };
    } catch (error) {
      if (!within.aborted || !run.hasHeard) throw error;
      const cut = this.#idle('cut', await this.#writer(new AbortController().signal));
      const lost = { code: 'STORE_CONFLICT', message: 'the lock of the reconciler was lost to another run' } as const;
      return { ...cut, audit: audit.entries, calls: run.calls, findings: signal.aborted ? [] : [lost] };
    }
  }

  #runOf(request: RunRequest, lock: Pick<HeldLock, 'validForMs'>, state: RunState, audit: AuditLog): ReconcilerRun {
    return new ReconcilerRun({ ...this.#parts, budget: this.#budget, audit, lock, state }, this.#settings, request);
  }

  #state({ why }: RunRequest, signal: AbortSignal): Promise<RunState> {
    return readRunState({ ...this.#parts, by: this.#settings.name }, why, signal);
  }

  #auditLog(): AuditLog {
    return new AuditLog(this.#parts, this.#settings.name);
  }

  async #saveGood(
    state: RunState,
    { why }: RunRequest,
    calls: number,
    durationMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { records, clock } = this.#parts;
    const { run, ageMs } = state;
    const good = { run, ageMs, at: isoTime(clock.wallTime()), by: this.#settings.name, why, calls, durationMs };
    await saveRunState(records, { ...state, good }, signal);
  }

  async #writer(signal: AbortSignal): Promise<RouteWriter> {
    const { records } = await this.#parts.records.list('writer', signal);
    return routeWriter(records.get(ROUTE_WRITER_KEY)?.value, 'node');
  }

  #idle(how: 'busy' | 'cut', writer: RouteWriter): RunReport {
    return { how, writer, tables: [], outcomes: new Map(), doubted: [], audit: [], findings: [], calls: 0 };
  }
}
