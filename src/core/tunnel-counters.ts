/** What a tunnel has carried and dropped, counted by one thread and read by another: numbers in a row, those of the whole first, then those of each peer. */
import type { Subnet } from './subnet.ts';
import { DROP_REASONS, type DropReason } from './tunnel-packet.ts';

export interface Carried {
  readonly sentPackets: number;
  readonly sentBytes: number;
  readonly receivedPackets: number;
  readonly receivedBytes: number;
  readonly dropped: number;
}

export interface TunnelCounters {
  readonly total: Carried;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** ICMP errors that were sent about dropped packets. */
  readonly errorsSent: number;
  readonly peers: ReadonlyMap<Subnet, Carried>;
}

export const SENT_PACKETS = 0;
export const SENT_BYTES = 1;
export const RECEIVED_PACKETS = 2;
export const RECEIVED_BYTES = 3;
export const DROPPED = 4;
const CARRIED = 5;

export const ERRORS_SENT = CARRIED + DROP_REASONS.length;
/** Datagrams that the kernel refused to send, for whatever reason but a queue that was full; and the number of the last reason. */
export const REFUSED = ERRORS_SENT + 1;
export const LAST_ERRNO = REFUSED + 1;
const FIRST_SLOT = LAST_ERRNO + 1;

/** More than a Network of /8 has of /24; memory that nobody touches is not taken. */
export const SLOTS = 1 << 16;
export const COUNTER_BYTES = 8 * (FIRST_SLOT + SLOTS * CARRIED);

export const placeOfReason = (reason: DropReason): number => CARRIED + DROP_REASONS.indexOf(reason);
export const placeOfSlot = (slot: number): number => FIRST_SLOT + slot * CARRIED;

export const carriedAt = (counters: Float64Array, at: number): Carried => ({
  sentPackets: counters[at + SENT_PACKETS] ?? 0,
  sentBytes: counters[at + SENT_BYTES] ?? 0,
  receivedPackets: counters[at + RECEIVED_PACKETS] ?? 0,
  receivedBytes: counters[at + RECEIVED_BYTES] ?? 0,
  dropped: counters[at + DROPPED] ?? 0,
});

export function readCounters(counters: Float64Array, slots: ReadonlyMap<Subnet, number>): TunnelCounters {
  const at = (reason: DropReason): number => counters[placeOfReason(reason)] ?? 0;
  return {
    total: carriedAt(counters, 0),
    dropped: {
      malformed: at('malformed'),
      'no-peer': at('no-peer'),
      ttl: at('ttl'),
      'too-big': at('too-big'),
      stranger: at('stranger'),
      spoofed: at('spoofed'),
      unsent: at('unsent'),
      undelivered: at('undelivered'),
    },
    errorsSent: counters[ERRORS_SENT] ?? 0,
    peers: new Map([...slots].map(([subnet, slot]) => [subnet, carriedAt(counters, placeOfSlot(slot))])),
  };
}

/** Who counts where. A place that is given up begins anew with its next owner. */
export class Slots {
  readonly #of = new Map<Subnet, number>();
  readonly #free: number[] = [];
  #next = 0;

  get all(): ReadonlyMap<Subnet, number> {
    return this.#of;
  }

  /** Exactly these have places. @param begin told of each place that gets an owner */
  keep(subnets: ReadonlySet<Subnet>, begin: (slot: number) => void): void {
    for (const [subnet, slot] of this.#of) {
      if (subnets.has(subnet)) continue;
      this.#of.delete(subnet);
      this.#free.push(slot);
    }
    for (const subnet of subnets) {
      if (this.#of.has(subnet)) continue;
      // Whoever comes when all are taken shares the last.
      const slot = this.#free.pop() ?? (this.#next < SLOTS - 1 ? this.#next++ : SLOTS - 1);
      this.#of.set(subnet, slot);
      begin(slot);
    }
  }
}
