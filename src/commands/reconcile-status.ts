/** What a reconciling service says of itself: to its service manager in a line, to whoever asks over HTTP in full. */
import { json, text, type Route } from '../agent/routes.ts';
import type { Finding } from '../core/finding.ts';
import type { ReconcileRuns } from './reconcile-runs.ts';
import { reportJson, sumOf } from './reconcile-text.ts';

export interface ServiceFacts {
  readonly version: string;
  readonly name: string;
  readonly networks: readonly string[];
  /** By the monotonic clock; undefined: it stands by. */
  readonly leadsSinceMs: number | undefined;
  /** Who leads meanwhile, where it is known. */
  readonly leader: string | undefined;
  readonly runs: Pick<ReconcileRuns, 'last' | 'goodAtMs' | 'failures' | 'totals'>;
  readonly findings: readonly Finding[];
  readonly startedMs: number;
  readonly nowMs: number;
}

const LONGEST_LINE = 200;

export function serviceLine({ leadsSinceMs, leader, runs, findings }: ServiceFacts): string {
  const [first] = findings;
  if (leadsSinceMs === undefined)
    return first === undefined
      ? `standing by: ${leader ?? 'another reconciler'} leads`
      : `standing by: ${first.message}`.slice(0, LONGEST_LINE);
  if (runs.failures > 0) return `leading, and the last run failed: ${first?.message ?? ''}`.slice(0, LONGEST_LINE);
  if (runs.last === undefined) return 'leading: the first run is under way';
  const needs = findings.length === 0 ? '' : `, ${findings.length} finding${findings.length === 1 ? '' : 's'}`;
  const cut = runs.last.report.how === 'cut' ? ', and more to do' : '';
  return `leading: ${sumOf(runs.last.report)}${cut}${needs}`;
}

/** Why nobody should count on it now; empty when all is well. One that stands by is ready to lead. */
function unready({ leadsSinceMs, runs, findings }: ServiceFacts): string[] {
  if (leadsSinceMs === undefined) return [];
  if (runs.failures > 0) return findings.map(({ code, message }) => `${code}: ${message}`);
  return runs.last === undefined ? ['no run has been made yet'] : [];
}

export const serviceRoutes = (facts: () => ServiceFacts): readonly Route[] => [
  { method: 'GET', path: '/healthz', answer: () => text(200, 'weftd reconcile is running') },
  {
    method: 'GET',
    path: '/readyz',
    answer: () => {
      const why = unready(facts());
      return why.length === 0 ? text(200, 'weftd reconcile is ready') : text(503, why.join('\n'));
    },
  },
  { method: 'GET', path: '/status', answer: () => json(statusJson(facts())) },
  {
    method: 'GET',
    path: '/metrics',
    answer: async () => (await import('../agent/reconciler-metrics.ts')).reconcilerMetrics(facts()),
  },
];

function statusJson({ version, name, networks, leadsSinceMs, leader, runs, findings, nowMs }: ServiceFacts): object {
  const { last, goodAtMs, failures, totals } = runs;
  const ago = (ms: number | undefined): number | null => (ms === undefined ? null : Math.round((nowMs - ms) / 1000));
  return {
    version,
    name,
    networks,
    state: leadsSinceMs === undefined ? 'standing by' : 'leading',
    leader: leadsSinceMs === undefined ? (leader ?? null) : name,
    leadsForSeconds: ago(leadsSinceMs),
    goodRunSecondsAgo: ago(goodAtMs),
    failures,
    runs: totals,
    last:
      last === undefined
        ? null
        : { secondsAgo: ago(last.atMs), durationMs: Math.round(last.durationMs), ...reportJson(last.report) },
    findings,
  };
}
