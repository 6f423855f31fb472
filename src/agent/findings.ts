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
  | 'server';

export class Findings {
  readonly #log: Log;
  readonly #bySource = new Map<FindingSource, readonly Finding[]>();

  constructor(log: Log) {
    this.#log = log;
  }

  set(source: FindingSource, findings: readonly Finding[]): void {
    const before = this.#bySource.get(source) ?? [];
    if (before.length === 0 && findings.length === 0) return;
    for (const finding of findings) {
      if (!has(before, finding))
        this.#log.warn({ code: finding.code, why: finding.message }, 'something needs attention');
    }
    for (const finding of before) {
      if (!has(findings, finding)) this.#log.info({ code: finding.code, why: finding.message }, 'no longer so');
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

const has = (findings: readonly Finding[], wanted: Finding): boolean =>
  findings.some(({ code, message }) => code === wanted.code && message === wanted.message);
