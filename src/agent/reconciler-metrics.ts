/** A reconciling service in Prometheus' text form. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Finding } from '../core/finding.ts';
import type { RouteResult } from '../reconcile/cloud-report.ts';
import type { RunReport } from '../reconcile/reconciler-parts.ts';
import type { Answer } from './routes.ts';

/** Times are of `Clock.now()`. */
export interface ReconcilerFacts {
  readonly version: string;
  readonly name: string;
  /** Undefined: it stands by. */
  readonly leadsSinceMs: number | undefined;
  readonly runs: {
    readonly totals: Readonly<Record<'done' | 'cut' | 'busy' | 'failed' | 'calls', number>>;
    readonly last: { readonly report: RunReport; readonly durationMs: number } | undefined;
    readonly goodAtMs: number | undefined;
  };
  readonly findings: readonly Finding[];
  readonly startedMs: number;
  readonly nowMs: number;
}

/** Made anew for each answer: all that is counted is counted in the facts. */
export async function reconcilerMetrics({
  version,
  name,
  leadsSinceMs,
  runs,
  findings,
  startedMs,
  nowMs,
}: ReconcilerFacts): Promise<Answer> {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (metric: string, help: string, value: number): void =>
    new Gauge({ name: metric, help, registers }).set(value);
  const counter = (metric: string, help: string, value: number): void =>
    new Counter({ name: metric, help, registers }).inc(value);
  const { totals, last, goodAtMs } = runs;

  new Gauge({
    name: 'weft_reconciler_info',
    help: 'Always 1; version and name as labels',
    labelNames: ['version', 'name'],
    registers,
  }).set({ version, name }, 1);
  gauge(
    'weft_reconciler_leads',
    '1 when this one makes the runs, 0 when it stands by',
    leadsSinceMs === undefined ? 0 : 1,
  );
  const made = new Counter({
    name: 'weft_reconciler_runs_total',
    help: 'Runs by how they ended',
    labelNames: ['how'],
    registers,
  });
  for (const how of ['done', 'cut', 'busy', 'failed'] as const) made.inc({ how }, totals[how]);
  counter('weft_reconciler_calls_total', 'Calls made that could change something in the cloud', totals.calls);
  if (goodAtMs !== undefined)
    gauge(
      'weft_reconciler_good_run_age_seconds',
      'Since the last run that left nothing undone',
      (nowMs - goodAtMs) / 1000,
    );
  gauge('weft_reconciler_findings', 'Things that need attention', findings.length);
  gauge('weft_reconciler_uptime_seconds', 'Since the service started', (nowMs - startedMs) / 1000);
  if (last !== undefined) {
    const { tables, doubted } = last.report;
    const labelNames = ['table'];
    const used = new Gauge({
      name: 'weft_reconciler_table_routes',
      help: "Everybody's routes in a table that count against its quota",
      labelNames,
      registers,
    });
    const quota = new Gauge({
      name: 'weft_reconciler_table_quota',
      help: 'Routes that a table may hold',
      labelNames,
      registers,
    });
    const overflow = new Gauge({
      name: 'weft_reconciler_table_overflow',
      help: 'Wanted routes that have no room in a table',
      labelNames,
      registers,
    });
    for (const {
      table,
      occupied,
      quota: { limit },
      overflow: without,
    } of tables) {
      used.set({ table }, occupied);
      quota.set({ table }, limit);
      overflow.set({ table }, without);
    }
    gauge('weft_reconciler_doubted_leases', 'Leases that get no route because they are not believed', doubted.length);
    gauge('weft_reconciler_run_seconds', 'How long the last run took', last.durationMs / 1000);
    const results = new Gauge({
      name: 'weft_reconciler_routes',
      help: 'Routes by what the last run found or did',
      labelNames: ['result'],
      registers,
    });
    for (const [result, count] of countResults(last.report)) results.set({ result }, count);
  }
  return { status: 200, type: registry.contentType, body: await registry.metrics() };
}

/** Of every result there is; sorted by name. */
function countResults({ outcomes }: RunReport): ReadonlyMap<RouteResult, number> {
  const counts = new Map<RouteResult, number>();
  for (const { result } of outcomes.values()) counts.set(result, (counts.get(result) ?? 0) + 1);
  return new Map([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
