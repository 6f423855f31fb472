/** What was done to the cloud in the name of the network, by whom and why: from the store, so that it needs no daemon and no right to the cloud. */
import { readAuditRecord, type AuditEntry } from '../core/audit.ts';
import { isoTime } from '../core/iso-time.ts';
import { overlaps } from '../core/subnet.ts';
import type { RecordList } from '../contracts/records.ts';
import type { Options } from '../options.ts';
import { auditText, type AuditShown, type SkippedAudit } from './audit-text.ts';
import type { Action } from './command.ts';
import { withStore } from './with-store.ts';

export const audit: Action = (invocation) =>
  withStore(invocation, async ({ records }) => {
    const { clock, io, options, signal } = invocation;
    const shown = shownOf(await records.list('audit', signal), options, clock.wallTime());
    io.out(options.json ? `${JSON.stringify(shown)}\n` : auditText(shown, options.since));
    return 0;
  });

type Asked = Pick<Options, 'since' | 'table' | 'subnet' | 'limit'>;

function shownOf({ records, skipped }: RecordList, asked: Asked, nowMs: number): AuditShown {
  // By their text: after a lost answer a record may have been written twice.
  const found = new Map<string, AuditEntry>();
  const unread: SkippedAudit[] = skipped.map(({ key, why }) => ({ key, why }));
  const from = isoTime(nowMs - asked.since);
  for (const { key, value } of records.values()) {
    const { entries, unreadable } = readAuditRecord(value);
    if (unreadable === undefined) unread.push({ key, why: 'not a record of audit entries' });
    else if (unreadable > 0)
      unread.push({ key, why: unreadable === 1 ? 'one entry is none' : `${unreadable} entries are none` });
    for (const entry of entries) if (entry.at >= from && isAsked(entry, asked)) found.set(JSON.stringify(entry), entry);
  }
  const entries = [...found.values()].toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return {
    entries: entries.slice(-asked.limit),
    earlier: Math.max(0, entries.length - asked.limit),
    skipped: unread.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  };
}

function isAsked({ table, destination }: AuditEntry, asked: Asked): boolean {
  if (asked.table.length > 0 && (table === undefined || !asked.table.includes(table))) return false;
  const { subnet } = asked;
  return subnet === undefined || (destination !== undefined && overlaps(subnet, destination));
}
