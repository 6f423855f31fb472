/** Where nodes write: what the reconciler puts for one who has not. */
import type { RouteStep } from './cloud-plan.ts';

/** Who puts it takes it away: its owner, by his opinion of who sends, would not want it perhaps. */
export function putForOwner(step: RouteStep): RouteStep {
  const { kind, row, entry } = step;
  const old = entry?.row;
  const isOurs = old?.forOwner === true && old.target === row.target && old.epoch === row.epoch;
  if (kind === 'create' || kind === 'replace') return { ...step, row: { ...row, forOwner: true } };
  return kind === 'adopt' && isOurs ? { ...step, row: { ...row, forOwner: true } } : step;
}
