/** What passes did and left undone, carried from one to the next; and the log of it, which tells transitions alone. */
import type { Log } from '../contracts/log.ts';
import type { Change } from '../core/diff.ts';
import type { WeftError } from '../core/errors.ts';
import { describeHostEntry, hostEntryKey, type HostEntry } from '../core/host-entry.ts';
import type { HeldChange } from '../core/guard.ts';
import type { Lease, LeaseKey } from '../core/lease.ts';
import type { FailedChange, Move, PassReport } from '../reconcile/pass-report.ts';

/** More of one kind in one pass are told in one line. */
const FEW = 16;

export const changeKey = (change: Change<HostEntry>): string =>
  hostEntryKey(change.op === 'put' ? change.want : change.was);

export const describeChange = (change: Change<HostEntry>): string =>
  change.op === 'put' ? describeHostEntry(change.want) : `no ${describeHostEntry(change.was)}`;

const peerName = (lease: Lease): string => lease.attributes.weft?.node ?? lease.attributes.publicIP;

export class PassJournal {
  readonly #log: Log;
  #last: PassReport | undefined;
  #trouble: WeftError | undefined;
  #failed = new Map<string, FailedChange>();
  #held = new Map<string, HeldChange>();
  readonly #moves = new Map<LeaseKey, Move>();
  #tellFirst = (): void => undefined;
  /** Resolves when a pass has been made. */
  readonly first = new Promise<void>((resolve) => (this.#tellFirst = resolve));
  readonly #totals = { passes: 0, broken: 0, applied: 0, durationMs: 0 };

  constructor(log: Log) {
    this.#log = log;
  }

  get last(): PassReport | undefined {
    return this.#last;
  }

  /** Why the last pass could not be made, if so. */
  get trouble(): WeftError | undefined {
    return this.#trouble;
  }

  /** Changes that failed and have not been made since. */
  get failed(): readonly FailedChange[] {
    return [...this.#failed.values()];
  }

  get held(): readonly HeldChange[] {
    return [...this.#held.values()];
  }

  get totals(): {
    readonly passes: number;
    readonly broken: number;
    readonly applied: number;
    readonly durationMs: number;
  } {
    return this.#totals;
  }

  /** How a peer came to its present path. */
  lastMove(key: LeaseKey): Move | undefined {
    return this.#moves.get(key);
  }

  /** A pass that could not be made. */
  broke(error: WeftError): void {
    this.#totals.broken += 1;
    if (this.#trouble?.message !== error.message)
      this.#log.error({ code: error.code, error: error.message }, 'pass could not be made');
    this.#trouble = error;
  }

  made(report: PassReport): void {
    if (this.#trouble !== undefined) this.#log.info({ code: this.#trouble.code }, 'passes are made again');
    this.#trouble = undefined;
    this.#last = report;
    this.#totals.passes += 1;
    this.#totals.applied += report.applied.length;
    this.#totals.durationMs += report.durationMs;
    this.#tellFirst();
    this.#keepMoves(report);
    this.#tellMoves(report.moved);
    this.#tellRepairs(report);
    this.#settleFailed(report);
    this.#settleHeld(report);
  }

  #keepMoves({ moved }: PassReport): void {
    for (const move of moved) {
      if (move.is === undefined) this.#moves.delete(move.peer.key);
      else this.#moves.set(move.peer.key, move);
    }
  }

  #tellMoves(moved: readonly Move[]): void {
    if (moved.length > FEW) {
      const joined = moved.filter(({ was }) => was === undefined).length;
      const left = moved.filter(({ is }) => is === undefined).length;
      this.#log.info({ count: moved.length, joined, left }, 'peers changed');
      return;
    }
    for (const { peer, was, is } of moved) {
      const fields = { peer: peerName(peer), subnet: peer.subnet.v4 };
      if (is === undefined) this.#log.info(fields, 'peer left');
      else if (was === undefined) this.#log.info({ ...fields, path: is }, 'peer joined');
      else if (is === 'none')
        this.#log.warn({ ...fields, path: is, was, why: this.#whyNone(peer) }, 'peer out of reach');
      else
        this.#log.info({ ...fields, path: is, was, why: this.#last?.peers.get(peer.key)?.chosen?.why }, 'peer moved');
    }
  }

  #whyNone(peer: Lease): string {
    const refused = this.#last?.peers.get(peer.key)?.refused ?? [];
    return refused.map(({ path, why }) => `${path}: ${why}`).join('; ');
  }

  /** Changes without a peer that moved: the first pass made this host ready, or another hand has changed something. */
  #tellRepairs({ applied, moved, durationMs, number }: PassReport): void {
    const [first] = applied;
    if (first === undefined || (moved.length > 0 && number > 1)) return;
    const fields = { count: applied.length, durationMs: Math.round(durationMs) };
    if (number === 1) this.#log.info(fields, 'host made ready');
    else this.#log.info({ ...fields, entry: describeChange(first) }, 'host put right');
  }

  #settleFailed({ failed, applied, scope }: PassReport): void {
    const now = new Map(failed.map((one) => [changeKey(one.change), one]));
    const fresh = failed.filter(({ change }) => !this.#failed.has(changeKey(change)));
    for (const { change, error } of fresh.slice(0, FEW)) {
      this.#log.warn({ entry: describeChange(change), code: error.code, error: error.message }, 'change failed');
    }
    if (fresh.length > FEW) this.#log.warn({ count: fresh.length }, 'changes failed');
    const over: string[] = [];
    const made = new Set(applied.map(changeKey));
    for (const [key, before] of this.#failed) {
      if (now.has(key)) continue;
      // A pass over a few leases knows nothing of the others' changes, but what it made is made.
      if (scope === 'all' || made.has(key)) over.push(describeChange(before.change));
      else now.set(key, before);
    }
    for (const entry of over.slice(0, FEW)) this.#log.info({ entry }, 'change is made or needless now');
    if (over.length > FEW) this.#log.info({ count: over.length }, 'changes are made or needless now');
    this.#failed = now;
  }

  #settleHeld({ held, scope }: PassReport): void {
    const now = new Map(scope === 'all' ? [] : this.#held);
    for (const one of held) now.set(changeKey(one.change), one);
    const [before, after] = [this.#held.size, now.size];
    const [why] = held.map((one) => one.why);
    if (before === 0 && after > 0) this.#log.warn({ count: after, why }, 'removals held back');
    if (before > 0 && after === 0) this.#log.info({ count: before }, 'no removals held back');
    this.#held = now;
  }
}
