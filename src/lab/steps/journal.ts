/** The emulated EC2's journal, narrowed. */
import type { JournalEntry } from '../aws/journal.ts';
import type { Lab } from '../lab.ts';
import type { Report } from '../report.ts';
import { awsOf } from './cloud-routes.ts';
import { callsOfAll } from './ec2-calls.ts';

export const callsBy = (lab: Lab, who: string, action: string): readonly JournalEntry[] =>
  awsOf(lab).cloud.journal.entries.filter((entry) => entry.who === who && entry.action === action);

export const outcomesOf = (entries: readonly JournalEntry[]): string =>
  entries.map(({ outcome }) => outcome).join(', ') || 'none';

/** A member of every such report. */
export function addCalls(report: Report, lab: Lab): void {
  const calls = Object.entries(callsOfAll(lab)).map(([name, count]) => [name, { ...count }] as const);
  report.add('ec2Calls', Object.fromEntries(calls));
}

const FIRST_PAUSE_MS = 5000;

/** How often an agent may look at a cloud that refuses it: at once, after 5 s at the earliest, after 10 s more, 20, 40; and once for a peer that came. */
export const mostLooks = (elapsedMs: number): number => 2 + Math.floor(Math.log2(1 + elapsedMs / FIRST_PAUSE_MS));
