/** A run's report, for people and for programs. */
import type { RouteOutcome, RouteResult } from '../reconcile/cloud-report.ts';
import type { RunReport } from '../reconcile/reconciler-parts.ts';
import { plannedRoute, plannedRouteText } from './planned-route.ts';
import { textTable } from './text-table.ts';

/** More of one kind are for --json. */
const MOST_LINES = 50;

const STANDS: ReadonlySet<RouteResult> = new Set(['kept', 'adopted', 'created', 'replaced']);
const DONE: ReadonlySet<RouteResult> = new Set(['adopted', 'created', 'replaced', 'removed', 'forgotten']);
const UNDONE: ReadonlySet<RouteResult> = new Set(['refused', 'unconfirmed', 'held', 'waiting', 'left']);

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** In one line, for who looks in passing. */
export function sumOf({ tables, outcomes }: RunReport): string {
  const results = [...outcomes.values()].map(({ result }) => result);
  const stand = results.filter((result) => STANDS.has(result)).length;
  const refused = results.filter((result) => result === 'refused').length;
  return `${count(tables.length, 'table')}, ${count(stand, 'route')}${refused === 0 ? '' : `, ${refused} without a route`}`;
}

/** 0: all is as it should be. 1: something is not, and a person, or the next run, has to see to it. */
export const exitOf = ({ how, findings }: RunReport): number => (how === 'done' && findings.length === 0 ? 0 : 1);

export function reportJson({ how, writer, tables, outcomes, doubted, audit, findings, calls, planned }: RunReport) {
  return {
    how,
    writer,
    calls,
    tables,
    routes: [...outcomes.values()].map(({ row, result, code, why, hint }) => ({
      table: row.table,
      destination: row.destination,
      target: row.target,
      node: row.node,
      result,
      code: code ?? null,
      why: why ?? row.why ?? null,
      hint: hint ?? null,
    })),
    doubted: doubted.map(({ subnet, node, why }) => ({ subnet, node, why })),
    audit,
    findings,
    ...(planned === undefined ? {} : { planned: planned.map(plannedRoute) }),
  };
}

export function reportText(report: RunReport, { dryRun }: { readonly dryRun: boolean }): string {
  const { how, tables, outcomes, doubted, audit, findings } = report;
  if (how === 'busy') return 'Busy: another reconciler is making a run. Nothing was done; try again when it is over.\n';
  const all = [...outcomes.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const parts = [
    headline(report, dryRun),
    textTable(
      ['TABLE', 'NETWORK', 'ROUTES', 'QUOTA', 'NO ROOM FOR'],
      tables.map(({ table, network, quota, occupied, overflow }) => [
        table,
        network,
        String(occupied),
        `${quota.limit} (${quota.source})`,
        String(overflow),
      ]),
    ),
    list(
      'Done:',
      audit.length > 0
        ? audit.map(({ action, table, destination, before, after, node, why }) =>
            [
              action,
              destination,
              table === undefined ? undefined : `in ${table}`,
              before === undefined ? undefined : `from ${before}`,
              after === undefined ? undefined : `to ${after}`,
              node === undefined ? undefined : `(${node})`,
            ]
              .filter((word) => word !== undefined)
              .join(' ')
              .concat(`: ${why}`),
          )
        : all.filter(({ result }) => DONE.has(result)).map(routeLine),
    ),
    dryRun ? plannedText(report) : list('Not done:', all.filter(({ result }) => UNDONE.has(result)).map(routeLine)),
    list(
      'Leases that are not believed, and get no route:',
      doubted.map(({ subnet, node, why }) => `${subnet} of node ${node}: ${why}`),
    ),
    list(
      'Findings:',
      findings.map(({ code, message }) => `${code}: ${message}`),
    ),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function headline(report: RunReport, dryRun: boolean): string {
  const { how, writer, calls } = report;
  const who = writer.mode === 'node' ? 'by nodes' : 'by the reconciler';
  const cut =
    how === 'cut'
      ? 'Cut: its time, or the budget of calls, was used up before all was done. The next run goes on.\n'
      : '';
  const did = dryRun ? 'Dry run: nothing was written.' : `${count(calls, 'call')} made that could change something.`;
  return `${cut}${did} ${sumOf(report)}. Routes are written ${who} (generation ${writer.generation}).\n`;
}

function plannedText({ planned = [], outcomes }: RunReport): string {
  const steps = planned.filter(({ kind }) => kind !== 'keep');
  if (steps.length === 0) return 'Nothing to change.\n';
  const shown = steps.slice(0, MOST_LINES).map((step) => {
    const { result, why } = outcomes.get(step.key) ?? {};
    return plannedRouteText(plannedRoute(step), result === 'held' || result === 'waiting' ? why : undefined);
  });
  return shown.join('') + more(steps.length);
}

const more = (all: number): string =>
  all > MOST_LINES ? `  and ${all - MOST_LINES} more: --json lists them all\n` : '';

function routeLine({ row, result, code, why, hint }: RouteOutcome): string {
  const reason = why ?? row.why;
  const said = [code === undefined ? undefined : `${code}:`, reason, hint === undefined ? undefined : `(${hint})`];
  const told = said.filter((word) => word !== undefined).join(' ');
  return `${result} ${row.destination} in ${row.table} to ${row.target}${told === '' ? '' : `: ${told}`}`;
}

function list(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  const shown = lines.slice(0, MOST_LINES).map((line) => `  ${line}\n`);
  return `${title}\n${shown.join('')}${more(lines.length)}`;
}
