/** The audit for people: the newest line last, where a terminal shows it. */
import type { AuditEntry } from '../core/audit.ts';
import { printDuration } from '../core/duration.ts';
import { textTable } from './text-table.ts';

export interface SkippedAudit {
  readonly key: string;
  readonly why: string;
}

export interface AuditShown {
  readonly entries: readonly AuditEntry[];
  /** How many there are besides that were asked for, and are older. */
  readonly earlier: number;
  readonly skipped: readonly SkippedAudit[];
}

const HEAD = ['TIME', 'BY', 'ACTION', 'TABLE', 'SUBNET', 'BEFORE', 'AFTER', 'NODE', 'WHY'];

export function auditText({ entries, earlier, skipped }: AuditShown, sinceMs: number): string {
  const parts: string[] = [];
  if (earlier > 0) parts.push(`${earlier} earlier ${earlier === 1 ? 'line' : 'lines'} left out; --limit shows more.\n`);
  if (entries.length > 0) parts.push(textTable(HEAD, entries.map(row)));
  else parts.push(`Nothing is known to have been done to the cloud in the last ${printDuration(sinceMs)}.\n`);
  if (skipped.length > 0)
    // Quoted: nothing that another hand has written moves the cursor.
    parts.push(`Cannot be read:\n${skipped.map(({ key, why }) => `  ${JSON.stringify(key)}: ${why}\n`).join('')}`);
  return parts.join('\n');
}

/** To the second: between two lines of one run lie hundreds of milliseconds, and their order shows. */
const row = ({ at, by, action, table, destination, before, after, node, why }: AuditEntry): string[] => [
  `${at.slice(0, 19)}Z`,
  by,
  action,
  table ?? '-',
  destination ?? '-',
  before ?? '-',
  after ?? '-',
  node ?? '-',
  why,
];
