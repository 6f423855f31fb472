/** What one pass over cloud routes knows and does, from its first look to its last. */
import { allowedTables } from '../core/desired-routes.ts';
import type { ErrorCode, WeftError } from '../core/errors.ts';
import { inParallel } from '../core/in-parallel.ts';
import { readLedger, type LedgerEntry } from '../core/ledger.ts';
import type { CloudPassInput } from './cloud-pass.ts';
import { isCall, isRemoval, type RouteCall, type RouteStep } from './cloud-plan.ts';
import type { CloudReport, RouteOutcome, RouteResult } from './cloud-report.ts';
import type { SeenTable, StepHold } from './cloud-scope.ts';
import { RouteWriter, type RouteWriterParts, type Written } from './route-writer.ts';

const DONE = { create: 'created', replace: 'replaced', remove: 'removed' } as const;
const OF_TABLES: ReadonlySet<ErrorCode> = new Set(['ROUTE_TABLE_FULL', 'CLOUD_DENIED']);
const LATER = 'its turn comes after another look';

/** Whether it is worth while to look again: at once, or after a pause. */
export type Again = 'now' | 'later' | undefined;

export class CloudRound {
  readonly #parts: RouteWriterParts;
  readonly #input: CloudPassInput;
  readonly #ledger: Map<string, LedgerEntry>;
  readonly #writer: RouteWriter;
  readonly #outcomes = new Map<string, RouteOutcome>();
  /** Called for and accepted, to be seen. */
  readonly #called = new Map<string, RouteResult>();
  /** Found otherwise than planned before, in this pass: to look again at once has not helped. */
  readonly #collided = new Set<string>();
  /** What a table has refused in this round for a reason that is not one route's: it refuses the next as well. */
  #refusals = new Map<string, WeftError>();
  #tables: readonly SeenTable[];
  #ledgerIsOld = false;

  constructor(parts: RouteWriterParts, input: CloudPassInput, tables: readonly SeenTable[]) {
    this.#parts = parts;
    this.#input = input;
    this.#tables = tables;
    this.#ledger = new Map(input.ledger);
    this.#writer = new RouteWriter(parts, this.#ledger, input.scope.right);
  }

  async look(tables: readonly SeenTable[], signal: AbortSignal): Promise<void> {
    this.#tables = tables;
    if (!this.#ledgerIsOld) return;
    const { records, skipped } = await this.#parts.records.list('ledger', signal);
    this.#ledger.clear();
    for (const [key, entry] of readLedger(records.values(), skipped)) this.#ledger.set(key, entry);
    this.#ledgerIsOld = false;
    await this.#input.scope.refresh?.(signal);
  }

  plan(): readonly RouteStep[] {
    return this.#input.scope.plan(this.#tables, this.#ledger);
  }

  async write(steps: readonly RouteStep[], signal: AbortSignal): Promise<Again> {
    const { scope } = this.#input;
    const { atOnce, roundMs } = scope.pace;
    const hold = scope.holds(steps, this.#tables);
    const untilMs = this.#parts.clock.now() + roundMs;
    this.#refusals = new Map();
    let again: Again;
    let isCut = false;
    const make = async (step: RouteStep, own: AbortSignal): Promise<void> => {
      if (isCall(step) && (isCut || this.#parts.clock.now() >= untilMs)) {
        isCut = true;
        this.#tell(step, 'held', LATER);
        return;
      }
      const wish = await this.#step(step, hold(step), own);
      if (wish === 'later') again = wish;
      else again ??= wish;
    };
    await inParallel(
      steps.filter((step) => !isRemoval(step)),
      atOnce,
      signal,
      make,
    );
    await inParallel(steps.filter(isRemoval), atOnce, signal, make);
    return isCut ? 'now' : again;
  }

  report(planned?: readonly RouteStep[]): CloudReport {
    for (const step of planned ?? [])
      this.#tell(step, step.kind === 'keep' ? 'kept' : 'left', 'routes are not written by this node');
    const { missing } = allowedTables(this.#input.config.routeTables, this.#tables);
    return { tables: this.#tables, missing, outcomes: this.#outcomes, ledger: this.#ledger };
  }

  async #step(step: RouteStep, hold: StepHold | undefined, signal: AbortSignal): Promise<Again> {
    // Taken away, and wanted again: its owner came back meanwhile.
    if (step.kind === 'create' && this.#called.get(step.key) === 'removed') this.#called.delete(step.key);
    if (isCall(step) && this.#called.has(step.key)) {
      this.#tell(step, 'unconfirmed', 'it was called for, and the cloud does not show it yet');
      return 'later';
    }
    if (hold !== undefined) return this.#hold(step, hold, signal);
    return isCall(step) ? this.#make(step, signal) : this.#settle(step, signal);
  }

  async #hold(step: RouteStep, hold: StepHold, signal: AbortSignal): Promise<Again> {
    const { result, why, code, hint, published = false } = hold;
    this.#outcomes.set(step.key, {
      key: step.key,
      row: step.row,
      result,
      why,
      ...(code === undefined ? {} : { code }),
      ...(hint === undefined ? {} : { hint }),
    });
    if (!published) return undefined;
    return this.#changed(step, await this.#writer.note(step.key, { ...step.row, state: 'refused', why }, signal));
  }

  async #make(step: RouteCall, signal: AbortSignal): Promise<Again> {
    const written = await this.#write(step, signal);
    switch (written.how) {
      case 'done':
        this.#called.set(step.key, DONE[step.kind]);
        this.#tell(step, 'unconfirmed', 'it was called for, and was not looked at since');
        await this.#input.scope.done?.(step, DONE[step.kind], signal);
        return 'now';
      case 'changed':
        this.#tell(step, 'unconfirmed', written.error.message);
        return this.#changed(step, written.error);
      case 'held':
        this.#tell(step, 'held', written.why);
        return undefined;
      case 'refused':
      case 'unconfirmed': {
        const { code, message, hint } = written.error;
        const { key, row } = step;
        this.#outcomes.set(key, {
          key,
          row,
          result: written.how,
          code,
          why: message,
          ...(hint === undefined ? {} : { hint }),
        });
        if (step.kind === 'remove') return undefined;
        return this.#changed(step, await this.#writer.note(key, { ...row, state: 'refused', why: message }, signal));
      }
    }
  }

  async #write(step: RouteCall, signal: AbortSignal): Promise<Written> {
    const what = `${step.kind} ${step.row.table}`;
    const before = this.#refusals.get(what);
    if (before !== undefined) return { how: 'refused', error: before };
    const written = await this.#writer.write(step, signal);
    if (written.how === 'refused' && OF_TABLES.has(written.error.code)) this.#refusals.set(what, written.error);
    return written;
  }

  /** What needs no call. */
  async #settle(step: Exclude<RouteStep, RouteCall>, signal: AbortSignal): Promise<Again> {
    const { key, row, kind } = step;
    const called = this.#called.get(key);
    if (kind === 'leave') {
      this.#tell(step, 'left', step.why);
      return undefined;
    }
    if (kind === 'keep') {
      this.#tell(step, called ?? this.#settledBefore(key) ?? 'kept');
      return undefined;
    }
    const changed =
      kind === 'forget' ? await this.#forget(step.entry, signal) : await this.#writer.note(key, row, signal);
    if (kind === 'refuse')
      this.#outcomes.set(key, {
        key,
        row,
        result: 'refused',
        code: step.code,
        hint: step.hint,
        ...(row.why === undefined ? {} : { why: row.why }),
      });
    else this.#tell(step, called ?? (kind === 'forget' ? 'forgotten' : 'adopted'));
    if (kind === 'adopt' && called === undefined && changed === undefined)
      await this.#input.scope.done?.(step, 'adopted', signal);
    return this.#changed(step, changed);
  }

  /** What an earlier round of this pass did stays said. */
  #settledBefore(key: string): RouteResult | undefined {
    const before = this.#outcomes.get(key)?.result;
    return before === 'adopted' ? before : undefined;
  }

  async #forget(entry: LedgerEntry | undefined, signal: AbortSignal) {
    return entry === undefined ? undefined : this.#writer.forget(entry, signal);
  }

  /** Another hand was in the ledger, or in the table. Once it is looked at at once; what a look does not show then may take its time. */
  #changed({ key }: RouteStep, error: WeftError | undefined): Again {
    if (error === undefined) return undefined;
    this.#ledgerIsOld = true;
    const again = this.#collided.has(key) ? 'later' : 'now';
    this.#collided.add(key);
    return again;
  }

  #tell({ key, row }: RouteStep, result: RouteResult, why?: string): void {
    this.#outcomes.set(key, { key, row, result, ...(why === undefined ? {} : { why }) });
  }
}
