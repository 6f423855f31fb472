/**
 * Two live daemons with one node id: a cloned image, say. On one host a file lock decides; across hosts a record beside the lease does,
 * written by compare-and-set, so that both sides come to one verdict.
 *
 *   newer  open {incarnation, nonce} ── waits ──┬─ answered ─────► DUPLICATE_NODE_ID
 *                                               └─ silence ──► closed: the older one is gone, this one stays
 *   older  sees its lease under another incarnation ──┬─ open ──► answered, and the lease written again
 *                                                     ├─ closed ─► it came too late: fenced
 *                                                     └─ none ───► the lease written again, so that the newer one sees it and asks
 */
import type { Clock } from '../contracts/clock.ts';
import type { Log } from '../contracts/log.ts';
import type { Random } from '../contracts/random.ts';
import type { Records, StoredRecord } from '../contracts/records.ts';
import type { Address } from '../core/address.ts';
import { asWeftError, WeftError } from '../core/errors.ts';
import { isJsonObject } from '../core/json.ts';
import type { Lease } from '../core/lease.ts';
import type { NodeId } from '../core/node-id.ts';
import { Bell } from '../core/bell.ts';
import type { Findings } from './findings.ts';
import { patiently } from './patiently.ts';

export interface RivalParts {
  readonly records: Records;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly findings: Findings;
  readonly node: NodeId;
  readonly incarnation: number;
  /** Writes our lease again, for the other one to see. */
  readonly reassert: () => void;
  /** The question of the start is settled in our favour. */
  readonly onAlone: () => void;
}

interface Challenge {
  readonly incarnation: number;
  readonly nonce: string;
  readonly state: 'open' | 'answered' | 'closed';
}

/** Three looks of the slowest reader: a daemon that lives sees its changed lease, and answers, well within. */
const ANSWER_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 3_000;

export class Rivals {
  readonly #parts: RivalParts;
  readonly #bell = new Bell();
  #shown: number | undefined;
  #won = false;
  #asking = false;

  constructor(parts: RivalParts) {
    this.#parts = parts;
  }

  /** At the start: nobody has had the time to answer yet. */
  get asking(): boolean {
    return this.#asking;
  }

  /** Our lease was seen under another incarnation of our node id. */
  see(incarnation: number): void {
    this.#shown = incarnation;
    this.#bell.ring();
  }

  /**
   * Resolves, with the reason, when the lease is another's for good.
   * @param ask whether somebody else may be alive under the lease that was adopted
   * @throws WeftError DUPLICATE_NODE_ID, ABORTED
   */
  async run(ask: boolean, signal: AbortSignal): Promise<string> {
    if (ask) await this.#askFirst(signal);
    for (;;) {
      const shown = this.#shown;
      this.#shown = undefined;
      if (shown === undefined) await this.#bell.wait(this.#parts.clock, Infinity, signal);
      else if (shown > this.#parts.incarnation) {
        const lost = await this.#answer(shown, signal);
        if (lost !== undefined) return lost;
      } else if (this.#won) this.#parts.reassert();
      else await this.#challenge(true, signal);
    }
  }

  async #askFirst(signal: AbortSignal): Promise<void> {
    this.#asking = true;
    await this.#challenge(false, signal);
    this.#asking = false;
    this.#parts.onAlone();
  }

  /** @param seen whether the other one has written the lease: it looks for the record when the lease changes again */
  async #challenge(seen: boolean, signal: AbortSignal): Promise<void> {
    const { clock, random, log, node, incarnation, reassert } = this.#parts;
    const mine: Challenge = { incarnation, nonce: random.below(2 ** 32).toString(16), state: 'open' };
    let version = (await this.#write(mine, undefined, signal)).version;
    if (seen) reassert();
    const untilMs = clock.now() + ANSWER_WITHIN_MS;
    for (;;) {
      await this.#bell.wait(clock, LOOK_EVERY_MS, signal);
      if (this.#shown !== undefined) {
        this.#shown = undefined;
        reassert();
      }
      const found = await this.#read(signal);
      if (found === undefined) version = (await this.#write(mine, undefined, signal)).version;
      else if (found.challenge.nonce !== mine.nonce) return this.#meet(found, signal);
      else if (found.challenge.state === 'answered') throw this.#duplicate();
      else if (clock.now() >= untilMs) {
        const closed = await this.#tryWrite({ ...mine, state: 'closed' }, version, signal);
        if (!closed) continue;
        this.#won = true;
        log.info({ node }, 'nobody else answers for this node id');
        return;
      }
    }
  }

  /** Somebody else asks at the same moment, so there are two in any case: the newer one gives way. */
  async #meet({ record, challenge }: Found, signal: AbortSignal): Promise<void> {
    if (challenge.incarnation <= this.#parts.incarnation) throw this.#duplicate();
    await this.#tryWrite({ ...challenge, state: 'answered' }, record.version, signal);
  }

  /** @returns why the lease is lost, if it is */
  async #answer(shown: number, signal: AbortSignal): Promise<string | undefined> {
    const { node, log, reassert } = this.#parts;
    for (;;) {
      const found = await this.#read(signal);
      const challenge = found?.challenge;
      if (found !== undefined && challenge !== undefined && challenge.incarnation >= shown) {
        if (challenge.state === 'closed')
          return `another daemon with node id ${node} (incarnation ${challenge.incarnation}) has taken the lease over`;
        if (
          challenge.state === 'open' &&
          !(await this.#tryWrite({ ...challenge, state: 'answered' }, found.record.version, signal))
        )
          continue;
        log.warn({ node }, 'another daemon has this node id; it was told to stop');
      }
      reassert();
      return undefined;
    }
  }

  #duplicate(): WeftError {
    const { node } = this.#parts;
    return new WeftError('DUPLICATE_NODE_ID', `another live daemon has the node id ${node}`, {
      hint: 'Was this host made from an image of another? Remove its state directory, and give it a machine id or --node-id of its own',
    });
  }

  async #read(signal: AbortSignal): Promise<Found | undefined> {
    const { records, node } = this.#parts;
    const list = await patiently('store', () => records.list('challenge', signal), this.#parts, signal);
    const record = list.records.get(node);
    const challenge = record === undefined ? undefined : parseChallenge(record);
    return record === undefined || challenge === undefined ? undefined : { record, challenge };
  }

  #write(challenge: Challenge, ifVersion: string | undefined, signal: AbortSignal): Promise<StoredRecord> {
    const { records, node } = this.#parts;
    return patiently(
      'store',
      () => records.put('challenge', node, { ...challenge }, ifVersion, signal),
      this.#parts,
      signal,
      (error) => {
        const { code } = asWeftError(error);
        return code.startsWith('STORE_');
      },
    );
  }

  /** False when somebody was faster. */
  async #tryWrite(challenge: Challenge, ifVersion: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#write(challenge, ifVersion, signal);
      return true;
    } catch (error) {
      if (asWeftError(error).code === 'RECORD_CHANGED') return false;
      throw error;
    }
  }
}

/** May somebody else be alive under the lease that was adopted? What this very node wrote in an earlier run, from this very address, needs no question. */
export function mayHaveRival(adopted: Lease | undefined, publicIP: Address, incarnation: number): boolean {
  const theirs = adopted?.attributes;
  if (theirs?.weft === undefined) return false;
  return theirs.weft.incarnation >= incarnation || theirs.publicIP !== publicIP;
}

/**
 * Was it written at another address? Then it goes on saying so until nobody has answered for it: peers send where the lease says, and a clone that starts must
 * not draw off what is meant for the one that lives.
 */
export const isElsewhere = (adopted: Lease | undefined, publicIP: Address): boolean =>
  adopted?.attributes.weft !== undefined && adopted.attributes.publicIP !== publicIP;

interface Found {
  readonly record: StoredRecord;
  readonly challenge: Challenge;
}

/** Undefined for what is no challenge: anybody who can write the store can write anything. */
function parseChallenge({ value }: StoredRecord): Challenge | undefined {
  if (!isJsonObject(value)) return undefined;
  const { incarnation, nonce, state } = value;
  if (typeof incarnation !== 'number' || typeof nonce !== 'string') return undefined;
  return state === 'open' || state === 'answered' || state === 'closed' ? { incarnation, nonce, state } : undefined;
}
