/** What a look at a cloud's route tables would do about one route, for people. */
import type { RouteStep } from '../reconcile/cloud-plan.ts';

export interface PlannedRoute {
  readonly does: RouteStep['kind'];
  readonly table: string;
  readonly destination: string;
  readonly target: string;
  /** What it leads to now, when a call replaces or removes it. */
  readonly was: string | null;
  /** Of a refusal, and of what waits. */
  readonly why: string | null;
}

export function plannedRoute(step: RouteStep): PlannedRoute {
  const { kind, row } = step;
  const { table, destination, target } = row;
  const was = step.kind === 'replace' || step.kind === 'remove' ? step.expected : null;
  const why = step.kind === 'leave' ? step.why : step.kind === 'refuse' ? (row.why ?? null) : null;
  return { does: kind, table, destination, target, was, why };
}

const WORDS: Readonly<Record<PlannedRoute['does'], string>> = {
  create: '+ cloud route',
  replace: '~ cloud route',
  remove: '- cloud route',
  adopt: '= cloud route stands, and goes into the ledger:',
  forget: '= cloud route is gone, and leaves the ledger:',
  keep: '= cloud route stands:',
  refuse: '! no cloud route',
  leave: '! cloud route is left alone:',
};

/** @param held why it would not be done now */
export function plannedRouteText(
  { does, table, destination, target, was, why }: PlannedRoute,
  held: string | undefined,
): string {
  const lines = [`${WORDS[does]} ${destination} to ${target} in ${table}`];
  if (does === 'replace') lines.push(`    instead of ${was}`);
  if (held !== undefined) lines.push(`    held back: ${held}`);
  if (why !== null) lines.push(`    ${why}`);
  return `${lines.join('\n')}\n`;
}
