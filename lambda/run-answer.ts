/** What the function answers: to a person who invoked it, and into the logs of whoever keeps answers. */
import type { ErrorCode } from '../src/core/errors.ts';
import type { Finding } from '../src/core/finding.ts';
import type { RouteResult } from '../src/reconcile/cloud-report.ts';
import type { RunReport, RunRequest } from '../src/reconcile/reconciler-parts.ts';
import { routeTroubles, type RouteTrouble } from './route-troubles.ts';

export type RunAnswer =
  | {
      readonly how: RunReport['how'];
      readonly why: RunRequest['why'];
      readonly dryRun: boolean;
      readonly writer: RunReport['writer'];
      /** How many routes came to which result. */
      readonly routes: Partial<Readonly<Record<RouteResult, number>>>;
      /** What was in the way of those that could not be brought further. */
      readonly troubles: readonly RouteTrouble[];
      readonly tables: RunReport['tables'];
      readonly doubted: number;
      readonly findings: readonly Finding[];
      readonly calls: number;
      readonly bad: readonly string[];
    }
  /** Nothing of the event concerned the network. */
  | { readonly how: 'ignored'; readonly bad: readonly string[] }
  /** The run was ended in the middle of a call; what it did stands in the audit. */
  | { readonly how: 'out of time'; readonly bad: readonly string[] }
  | {
      readonly how: 'failed';
      readonly error: { readonly code: ErrorCode; readonly message: string };
      readonly bad: readonly string[];
    };

export function answerOf({ why, dryRun }: RunRequest, report: RunReport, bad: readonly string[]): RunAnswer {
  const { how, writer, outcomes, tables, doubted, findings, calls } = report;
  const routes: Partial<Record<RouteResult, number>> = {};
  for (const { result } of outcomes.values()) routes[result] = (routes[result] ?? 0) + 1;
  return {
    how,
    why,
    dryRun,
    writer,
    routes,
    troubles: routeTroubles(report),
    tables,
    doubted: doubted.length,
    findings,
    calls,
    bad,
  };
}
