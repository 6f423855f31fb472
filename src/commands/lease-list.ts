import { compareAddresses } from '../core/address.ts';
import type { Lease, LeaseView } from '../core/lease.ts';
import { baseOf } from '../core/subnet.ts';
import { readReservation } from '../core/reservation.ts';
import type { RecordList } from '../contracts/records.ts';
import type { Action } from './command.ts';
import { leaseJson, offers } from './lease-text.ts';
import { textTable } from './text-table.ts';
import { currentView, withStore } from './with-store.ts';

export const leaseList: Action = (invocation) =>
  withStore(invocation, async ({ store, records }) => {
    const { io, options, signal } = invocation;
    const [view, reservations] = await Promise.all([currentView(store, signal), records.list('reservation', signal)]);
    const leases = [...view.leases.values()].toSorted((a, b) =>
      compareAddresses(baseOf(a.subnet.v4), baseOf(b.subnet.v4)),
    );
    io.out(options.json ? json(view, leases, reservations) : text(view, leases, reservations));
    return 0;
  });

function text(view: LeaseView, leases: readonly Lease[], reservations: RecordList): string {
  const rows = leases.map((lease) => [
    lease.subnet.v4,
    lease.attributes.weft?.node ?? '(flanneld)',
    lease.attributes.publicIP,
    offers(lease),
    String(lease.epoch),
  ]);
  const parts = [
    leases.length === 0 ? 'No leases.\n' : textTable(['SUBNET', 'NODE', 'PUBLIC IP', 'OFFERS', 'EPOCH'], rows),
  ];
  if (reservations.records.size > 0) {
    const reserved = [...reservations.records.values()].map(({ key, value }) => {
      const reservation = readReservation(key, value);
      return [reservation?.subnet ?? key, reservation?.node ?? JSON.stringify(value)];
    });
    parts.push(textTable(['RESERVED', 'FOR'], reserved));
  }
  const skipped = [...view.skipped, ...reservations.skipped];
  if (skipped.length > 0)
    parts.push(`Skipped in the store:\n${skipped.map(({ key, why }) => `  ${key}: ${why}\n`).join('')}`);
  return parts.join('\n');
}

function json(view: LeaseView, leases: readonly Lease[], reservations: RecordList): string {
  const reserved = [...reservations.records.values()].map(({ key, value }) => ({ key, value }));
  const skipped = [...view.skipped, ...reservations.skipped];
  return `${JSON.stringify({ revision: view.revision, leases: leases.map(leaseJson), reservations: reserved, skipped })}\n`;
}
