/** Every call that reached the API, in order: who asked for what, and what came of it. */
import type { ServiceName } from './service.ts';

export interface JournalEntry {
  readonly number: number;
  /** ISO 8601, by the account's clock. */
  readonly at: string;
  /** Whose credential signed it; undefined when that was not proved. */
  readonly who?: string;
  readonly service: ServiceName;
  readonly action: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly mutating: boolean;
  readonly dryRun: boolean;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly status: number;
  /** Has it changed the account? */
  readonly effect: boolean;
  /** What became of the answer when a fault was on. */
  readonly fault?: string;
}

/** A lab may run for days: the oldest go. */
const KEPT = 20_000;

export class Journal {
  #entries: JournalEntry[] = [];
  #count = 0;

  add(entry: Omit<JournalEntry, 'number'>): void {
    this.#count += 1;
    this.#entries.push({ number: this.#count, ...entry });
    if (this.#entries.length > KEPT) this.#entries.splice(0, KEPT / 10);
  }

  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  /** Calls of each caller: how many in all, and how many of those could change something. */
  counts(): Readonly<Record<string, { readonly total: number; readonly mutating: number }>> {
    const counts: Record<string, { total: number; mutating: number }> = {};
    for (const { who = 'unknown', mutating, dryRun } of this.#entries) {
      const count = (counts[who] ??= { total: 0, mutating: 0 });
      count.total += 1;
      if (mutating && !dryRun) count.mutating += 1;
    }
    return counts;
  }

  clear(): void {
    this.#entries = [];
  }
}

/** One line for people. */
export function describeEntry(entry: JournalEntry): string {
  const { at, who = '?', action, parameters, outcome, fault, dryRun } = entry;
  const words = Object.entries(parameters)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
  const notes = [dryRun ? 'dry run' : '', fault ?? ''].filter((it) => it !== '').join(', ');
  return `${at} ${who} ${action} ${words} -> ${outcome}${notes === '' ? '' : ` (${notes})`}`;
}
