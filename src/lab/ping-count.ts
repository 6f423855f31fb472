/** What became of the pings of one flow, by sequence. */

export interface FlowProgress {
  readonly sent: number;
  readonly answered: number;
  /** Not answered in time. Those that still may be are not counted. */
  readonly lost: number;
}

export interface FlowCount extends FlowProgress {
  /** Of the lost ones: answered all the same, when it was too late. */
  readonly late: number;
  /** Median round trip; null when none was answered. */
  readonly rttMs: number | null;
  /** The longest stretch without an answered ping: from the first lost one's sending to that of the next that was answered, or the last sent. */
  readonly outageMs: number;
  /** From the first sending until the last. */
  readonly elapsedMs: number;
}

/** An answer that comes later than this counts as none. */
export const OVERDUE_MS = 1000;

export class PingCount {
  readonly #sentAtMs: number[] = [];
  /** Round trip by sequence; NaN while there is no answer. */
  readonly #rttMs: number[] = [];
  #answered = 0;
  readonly #late = new Set<number>();
  /** How many of the first are overdue or answered, whatever comes; and how many of these are lost. */
  #judged = 0;
  #lost = 0;

  get sent(): number {
    return this.#sentAtMs.length;
  }

  get lastSentMs(): number {
    return this.#sentAtMs.at(-1) ?? Number.NEGATIVE_INFINITY;
  }

  get allAnswered(): boolean {
    return this.#answered === this.sent;
  }

  /** The sequence to send now. */
  sends(atMs: number): number {
    this.#sentAtMs.push(atMs);
    return this.#rttMs.push(Number.NaN) - 1;
  }

  /** @param notBeforeMs when it had not come yet: whoever reads it late, because he got no time, does not make it late */
  answered(sequence: number, atMs: number, notBeforeMs = atMs): void {
    const sentAtMs = this.#sentAtMs[sequence];
    // A duplicate counts once.
    if (sentAtMs === undefined || !Number.isNaN(this.#rttMs[sequence])) return;
    if (notBeforeMs - sentAtMs > OVERDUE_MS) return void this.#late.add(sequence);
    this.#rttMs[sequence] = atMs - sentAtMs;
    this.#answered += 1;
  }

  /** Cheap however long it has run: a look that takes its time would delay pings. @param now all that has come by then is counted; never earlier than at the look before */
  soFar(now: number): FlowProgress {
    for (; this.#judged < this.sent; this.#judged++) {
      const sentAtMs = this.#sentAtMs[this.#judged] ?? now;
      const isOpen = Number.isNaN(this.#rttMs[this.#judged]);
      if (isOpen && now - sentAtMs <= OVERDUE_MS) break;
      if (isOpen) this.#lost += 1;
    }
    return { sent: this.sent, answered: this.#answered, lost: this.#lost };
  }

  /** @param now pings that were sent a second before this moment and are not answered are lost. */
  read(now: number): FlowCount {
    let lost = 0;
    let outageMs = 0;
    let outageFrom: number | undefined;
    for (const [sequence, sentAtMs] of this.#sentAtMs.entries()) {
      if (!Number.isNaN(this.#rttMs[sequence])) outageFrom = undefined;
      else if (now - sentAtMs > OVERDUE_MS) {
        lost += 1;
        outageFrom ??= sentAtMs;
      }
      const next = this.#sentAtMs[sequence + 1] ?? sentAtMs;
      if (outageFrom !== undefined) outageMs = Math.max(outageMs, next - outageFrom);
    }
    const round = this.#rttMs.filter((rttMs) => !Number.isNaN(rttMs)).toSorted((a, b) => a - b);
    return {
      sent: this.sent,
      answered: this.#answered,
      lost,
      late: this.#late.size,
      rttMs: round[Math.floor(round.length / 2)] ?? null,
      outageMs,
      elapsedMs: this.sent === 0 ? 0 : this.lastSentMs - (this.#sentAtMs[0] ?? 0),
    };
  }
}
