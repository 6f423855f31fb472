/** Routes that could not be brought further, by what was in the way: three lines for a person, not three thousand. */
import type { ErrorCode } from '../src/core/errors.ts';
import type { RunReport } from '../src/reconcile/reconciler-parts.ts';

export interface RouteTrouble {
  readonly code: ErrorCode;
  readonly count: number;
  /** Of the first of them. */
  readonly why: string;
}

/** Most first. */
export function routeTroubles({ outcomes }: Pick<RunReport, 'outcomes'>): readonly RouteTrouble[] {
  const byCode = new Map<ErrorCode, RouteTrouble>();
  for (const { code, why = '', result } of outcomes.values()) {
    if (code === undefined || (result !== 'refused' && result !== 'held' && result !== 'unconfirmed')) continue;
    const known = byCode.get(code) ?? { code, count: 0, why };
    byCode.set(code, { ...known, count: known.count + 1 });
  }
  return [...byCode.values()].toSorted((a, b) => b.count - a.count);
}
