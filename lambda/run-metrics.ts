/** What a run comes to in CloudWatch: lines of its embedded metric format, which cost no call. */
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { RunReport } from '../src/reconcile/reconciler-parts.ts';
import type { ErrorCode } from '../src/core/errors.ts';
import { routeTroubles } from './route-troubles.ts';
import { METRICS, TABLE_DIMENSION, type MetricName } from './metric-names.ts';

export type RunNumbers = Readonly<Record<MetricName, number>>;

/** What stands, and not what was done: nobody knows it but a run that came to its end, and a 0 of another would end alarms. */
const STANDING: ReadonlySet<string> = new Set<MetricName>([
  'Conflicts',
  'Overflow',
  'DoubtedLeases',
  'QuotaUsedPercent',
  'FailedRoutes',
]);
const NOTHING: Partial<RunNumbers> = Object.fromEntries(
  Object.keys(METRICS).flatMap((name) => (STANDING.has(name) ? [] : [[name, 0]])),
);

/** `Overflow` and `Conflicts` count these. */
const SEEN_ELSEWHERE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['ROUTE_TABLE_FULL', 'CLOUD_CONFLICT']);

export interface Told {
  readonly numbers: Partial<RunNumbers>;
  /** Percent, by table. */
  readonly used: ReadonlyMap<string, number>;
}

/** Of a run that ended by itself. */
export function toldBy(report: RunReport, seconds: number, badEvents: number): Told {
  if (report.how === 'busy') return { numbers: { BusyRuns: 1, BadEvents: badEvents }, used: new Map() };
  const outcomes = [...report.outcomes.values()];
  const done = (action: RunReport['audit'][number]['action']): number =>
    report.audit.filter((entry) => entry.action === action).length;
  const used = new Map(
    report.tables.map(({ table, occupied, quota }) => [
      table,
      quota.limit === 0 ? 100 : (100 * occupied) / quota.limit,
    ]),
  );
  const standing: Partial<RunNumbers> = {
    Conflicts: outcomes.filter(({ code }) => code === 'CLOUD_CONFLICT').length,
    Overflow: report.tables.reduce((sum, { overflow }) => sum + overflow, 0),
    DoubtedLeases: report.doubted.length,
    QuotaUsedPercent: Math.max(0, ...used.values()),
    FailedRoutes: routeTroubles(report).reduce(
      (sum, { code, count }) => (SEEN_ELSEWHERE.has(code) ? sum : sum + count),
      0,
    ),
  };
  const numbers: Partial<RunNumbers> = {
    ...NOTHING,
    ...(report.how === 'done' ? standing : {}),
    RoutesCreated: done('created'),
    RoutesReplaced: done('replaced'),
    RoutesRemoved: done('removed'),
    ReleasedLeases: done('released'),
    Calls: report.calls,
    RunSeconds: seconds,
    GoodRuns: report.how === 'done' ? 1 : 0,
    CutRuns: report.how === 'cut' ? 1 : 0,
    BadEvents: badEvents,
  };
  return { numbers, used };
}

/** Of one that came to no report. */
export const toldOfNone = (what: 'CutRuns' | 'Errors', seconds: number, badEvents: number): Told => ({
  numbers: { ...NOTHING, [what]: 1, RunSeconds: seconds, BadEvents: badEvents },
  used: new Map(),
});

/** Of an event that no run came of. */
export const toldOfBadEvents = (badEvents: number): Told => ({ numbers: { BadEvents: badEvents }, used: new Map() });

export function metricLines({ numbers, used }: Told, namespace: string, functionName: string): readonly string[] {
  const lines: string[] = [];
  const write = (values: Partial<RunNumbers>, table?: string): void => {
    const metrics = new Metrics({ namespace, serviceName: functionName });
    if (table !== undefined) metrics.addDimension(TABLE_DIMENSION, table);
    for (const [name, value] of Object.entries(values)) metrics.addMetric(name, unitOf(name), value);
    lines.push(JSON.stringify(metrics.serializeMetrics()));
  };
  write(numbers);
  for (const [table, percent] of used) write({ QuotaUsedPercent: percent }, table);
  return lines;
}

const unitOf = (name: string) => {
  const found = Object.entries(METRICS).find(([known]) => known === name);
  return MetricUnit[found?.[1].unit ?? 'Count'];
};
