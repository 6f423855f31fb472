/** What a person should know, by where it was noticed. Each finding is logged when it comes and when it is over, not between. */
import type { Log } from '../contracts/log.ts';
import { asWeftError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';

/** Who noticed. Each replaces what it said before. */
export type FindingSource =
  | 'store'
  | 'config'
  | 'uplink'
  | 'lease'
  | 'view'
  | 'leases'
  | 'host'
  | 'hints'
  | 'files'
  | 'state'
  | 'server'
  | 'cloud'
  | 'routes'
  | 'probe'
  | 'traffic'
  | 'keys'
  | 'peers';

/** One trouble tells it in ever new words: which address was tried, how long it took. */
const WORDY: ReadonlySet<FindingSource> = new Set(['store']);

export class Findings {
  readonly #log: Log;
  readonly #bySource = new Map<FindingSource, readonly Finding[]>();

  constructor(log: Log) {
    this.#log = log;
  }

  set(source: FindingSource, findings: readonly Finding[]): void {
    const before = this.#bySource.get(source) ?? [];
    if (before.length === 0 && findings.length === 0) return;
    // Thousands, when somebody has written rubbish all over the store.
    const keyOf = ({ code, message }: Finding): string => (WORDY.has(source) ? code : `${code} ${message}`);
    const known = new Set(before.map(keyOf));
    const now = new Set(findings.map(keyOf));
    for (const finding of findings) {
      if (!known.has(keyOf(finding)))
        this.#log.warn({ code: finding.code, why: finding.message }, 'something needs attention');
    }
    for (const finding of before) {
      if (!now.has(keyOf(finding))) this.#log.info({ code: finding.code, why: finding.message }, 'no longer so');
    }
    this.#bySource.set(source, findings);
  }

  clear(source: FindingSource): void {
    this.set(source, []);
  }

  of(source: FindingSource): readonly Finding[] {
    return this.#bySource.get(source) ?? [];
  }

  get all(): readonly Finding[] {
    return [...this.#bySource.values()].flat();
  }
}

export function findingOf(error: unknown): Finding {
  const { code, message, hint } = asWeftError(error);
  return { code, message: hint === undefined ? message : `${message}. ${hint}` };
}
