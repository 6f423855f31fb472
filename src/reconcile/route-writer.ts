/**
 * One route, written so that a crash between any two calls loses nothing and that nobody writes in a name he no longer has:
 *
 *   may I? ──► intent into the ledger ──► may I still? ──► the call ──► (seen by the next look) ──► committed
 *                                              ▲              │
 *                                              └── pause ◄────┘ throttled, or no answer
 */
import type { Clock } from '../contracts/clock.ts';
import type { CloudNetwork } from '../contracts/cloud-network.ts';
import type { Random } from '../contracts/random.ts';
import type { Records } from '../contracts/records.ts';
import { backoffMs } from '../core/backoff.ts';
import { CLOUD_CALL_DEADLINE_MS, type LedgerRow } from '../core/cloud-route.ts';
import { asWeftError, type ErrorCode, type WeftError } from '../core/errors.ts';
import { ledgerRowToJson, readLedgerEntry, sameRow, type LedgerEntry } from '../core/ledger.ts';
import type { RouteCall } from './cloud-plan.ts';

export interface RouteWriterParts {
  readonly cloud: CloudNetwork;
  readonly records: Records;
  readonly clock: Clock;
  readonly random: Random;
}

export interface WriteRight {
  /**
   * Why no call that changes this route may be made now; undefined: it may. Asked before the ledger is written and before each attempt. Only when no other
   * node can own the subnet until the deadline has passed, by what the store said a moment ago.
   */
  mayWrite(step: RouteCall, deadlineMs: number, signal: AbortSignal): Promise<string | undefined>;
  /** Waits for a place among the calls that may be made, before each attempt. @returns why there will be none */
  turn?(signal: AbortSignal): Promise<string | undefined>;
}

export type Written =
  /** The call succeeded; a look has to show it. */
  | { readonly how: 'done' }
  | { readonly how: 'held'; readonly why: string }
  | { readonly how: 'refused' | 'unconfirmed'; readonly error: WeftError }
  /** Ledger or table are not as they were when it was planned: plan again. */
  | { readonly how: 'changed'; readonly error: WeftError };

const ATTEMPTS = 4;
const PAUSE = { baseMs: 500, capMs: 8000, floorMs: 100 };
/** Another attempt may succeed within seconds. */
const PASSES: ReadonlySet<ErrorCode> = new Set(['CLOUD_THROTTLED', 'CLOUD_UNREACHABLE']);

export class RouteWriter {
  readonly #parts: RouteWriterParts;
  readonly #right: WriteRight;
  /** The ledger, as far as it was read and written. */
  readonly #ledger: Map<string, LedgerEntry>;

  constructor(parts: RouteWriterParts, ledger: Map<string, LedgerEntry>, right: WriteRight) {
    this.#parts = parts;
    this.#ledger = ledger;
    this.#right = right;
  }

  /** Rejects with what the store says, or ABORTED. */
  async write(step: RouteCall, signal: AbortSignal): Promise<Written> {
    const held = await this.#right.mayWrite(step, CLOUD_CALL_DEADLINE_MS, signal);
    if (held !== undefined) return { how: 'held', why: held };
    const first = rowBefore(step);
    if (first !== undefined) {
      const refused = await this.note(step.key, first, signal);
      if (refused !== undefined) return { how: 'changed', error: refused };
    }
    for (let failures = 1; ; failures++) {
      const why =
        (await this.#right.turn?.(signal)) ?? (await this.#right.mayWrite(step, CLOUD_CALL_DEADLINE_MS, signal));
      if (why !== undefined) return { how: 'held', why };
      try {
        await this.#call(step, signal);
        return { how: 'done' };
      } catch (error) {
        if (signal.aborted) throw error;
        const known = asWeftError(error);
        if (known.code === 'CLOUD_CONFLICT') return { how: 'changed', error: known };
        if (!PASSES.has(known.code)) return { how: 'refused', error: known };
        // That there are too many calls is certain not to have taken effect; of a lost answer nobody knows.
        if (failures === ATTEMPTS)
          return { how: known.code === 'CLOUD_THROTTLED' ? 'refused' : 'unconfirmed', error: known };
        await this.#parts.clock.sleep(backoffMs(failures, this.#parts.random.fraction(), PAUSE), signal);
      }
    }
  }

  /** Writes a row where the ledger says something else. @returns what is wrong when the ledger is not as it was read */
  async note(key: string, row: LedgerRow, signal: AbortSignal): Promise<WeftError | undefined> {
    const standing = this.#ledger.get(key);
    if (standing?.row !== undefined && sameRow(standing.row, row)) return undefined;
    return unlessChanged(async () => {
      const stored = await this.#parts.records.put(
        'ledger',
        key,
        ledgerRowToJson(row),
        standing === undefined ? 'absent' : standing.version,
        signal,
      );
      this.#ledger.set(key, readLedgerEntry(stored));
    });
  }

  async forget({ key, version }: LedgerEntry, signal: AbortSignal): Promise<WeftError | undefined> {
    return unlessChanged(async () => {
      await this.#parts.records.remove('ledger', key, version, signal);
      this.#ledger.delete(key);
    });
  }

  #call(step: RouteCall, signal: AbortSignal): Promise<void> {
    const { cloud } = this.#parts;
    const { table, destination, target } = step.row;
    if (step.kind === 'remove') return cloud.removeRoute(table, destination, step.expected, signal);
    return cloud.putRoute(
      table,
      { destination, target, live: true },
      step.kind === 'replace' ? step.expected : undefined,
      signal,
    );
  }
}

/** What the ledger has to say before the call; undefined: it says so, or nothing need be said. */
function rowBefore(step: RouteCall): LedgerRow | undefined {
  if (step.kind === 'remove') return step.mark;
  return standsFor(step.entry?.row, step.row) ? undefined : { ...step.row, state: 'intent' };
}

/** A row that was left by an attempt before says the same as a new intent would: whose route it may be. */
const standsFor = (standing: LedgerRow | undefined, wanted: LedgerRow): boolean =>
  standing !== undefined &&
  standing.state !== 'committed' &&
  standing.target === wanted.target &&
  standing.before?.join() === wanted.before?.join() &&
  standing.epoch === wanted.epoch &&
  standing.node === wanted.node &&
  standing.forOwner === wanted.forOwner &&
  standing.generation === wanted.generation;

async function unlessChanged(write: () => Promise<void>): Promise<WeftError | undefined> {
  try {
    await write();
    return undefined;
  } catch (error) {
    const known = asWeftError(error);
    if (known.code !== 'RECORD_CHANGED') throw error;
    return known;
  }
}
