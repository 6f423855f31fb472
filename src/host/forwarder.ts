/**
 * Moves packets between the device and peers, on the packet worker's thread.
 *
 *   device ──read──► whose address? ─ TTL ─ size ──sendto──► peer
 *   device ◄─write── TTL ─ is it the sender's? ◄─recvfrom──  peer
 *      what cannot go on ──► ICMP error to who sent it, as the host's own packet
 */
import type { Destination, ForwardingTable } from '../core/forwarding-table.ts';
import { ErrorBudget } from '../core/error-budget.ts';
import { icmpError, mayReport, type IcmpError } from '../core/icmp-error.ts';
import { destinationOf, packetLength, sourceOf } from '../core/ipv4.ts';
import {
  DROPPED,
  ERRORS_SENT,
  LAST_ERRNO,
  placeOfReason,
  placeOfSlot,
  RECEIVED_BYTES,
  RECEIVED_PACKETS,
  REFUSED,
  SENT_BYTES,
  SENT_PACKETS,
} from '../core/tunnel-counters.ts';
import { inbound, outbound, type DropReason } from '../core/tunnel-packet.ts';
import {
  EAGAIN,
  ECONNREFUSED,
  EHOSTDOWN,
  EHOSTUNREACH,
  EINTR,
  EMSGSIZE,
  ENETDOWN,
  ENETUNREACH,
  ENONET,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPROTO,
  KernelError,
} from '../native/kernel-error.ts';
import { libc } from '../native/libc.ts';
import { MSG_DONTWAIT } from '../native/netlink/constants.ts';
import { deviceAddress } from '../native/tun.ts';
import { socketAddress } from '../native/tunnel-sockets.ts';
import type { PacketWorkerStart } from './udp-messages.ts';

/** No IPv4 packet is longer. */
const LONGEST = 1 << 16;
/** Of one direction before the other gets its turn. */
const MOST_AT_ONCE = 64;

/** asm-generic/errno.h; what a device that is gone says. Node does not name it. */
const EBADFD = 77;

/** What the network said of an earlier datagram (icmp_err_convert, net/ipv4/icmp.c): told once, and of no more matter. */
const PENDING: ReadonlySet<number> = new Set([
  ECONNREFUSED,
  EHOSTDOWN,
  EHOSTUNREACH,
  EMSGSIZE,
  ENETDOWN,
  ENETUNREACH,
  ENONET,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPROTO,
]);

export type ForwarderParts = Pick<PacketWorkerStart, 'deviceFd' | 'device' | 'datagramFd' | 'rawFd' | 'counters'>;

export class Forwarder {
  readonly #parts: ForwarderParts;
  readonly #libc = libc();
  readonly #counters: Float64Array;
  readonly #packet = new Uint8Array(LONGEST);
  readonly #to = socketAddress(0, 0);
  readonly #toView = new DataView(this.#to.buffer);
  readonly #from = socketAddress(0, 0);
  readonly #fromView = new DataView(this.#from.buffer);
  readonly #fromLength = new Uint32Array(1);
  readonly #errors = new ErrorBudget();
  #table: ForwardingTable;

  constructor(parts: ForwarderParts, table: ForwardingTable) {
    this.#parts = parts;
    this.#counters = new Float64Array(parts.counters);
    this.#table = table;
  }

  /** For the packets from now on. */
  use(table: ForwardingTable): void {
    this.#table = table;
  }

  /** @returns whether the device is still there. @throws KernelError */
  fromDevice(nowMs: number): boolean {
    for (let count = 0; count < MOST_AT_ONCE; count++) {
      const length = this.#libc.read(this.#parts.deviceFd, this.#packet, LONGEST);
      if (length < 0) {
        const errno = this.#libc.errno();
        if (errno === EAGAIN) return true;
        if (errno === EBADFD) return false;
        if (errno !== EINTR) throw new KernelError(`read ${this.#parts.device}`, errno);
      } else this.#send(length, nowMs);
    }
    return true;
  }

  /** @throws KernelError */
  fromPeers(nowMs: number): void {
    for (let count = 0; count < MOST_AT_ONCE; count++) {
      this.#fromLength[0] = this.#from.length;
      const { datagramFd } = this.#parts;
      const length = this.#libc.recvfrom(datagramFd, this.#packet, LONGEST, MSG_DONTWAIT, this.#from, this.#fromLength);
      if (length < 0) {
        const errno = this.#libc.errno();
        if (errno === EAGAIN) return;
        // One that lasts would be reported by poll(2) again and again, without end.
        if (errno !== EINTR && !PENDING.has(errno)) throw new KernelError('recvfrom(udp)', errno);
        continue;
      }
      this.#deliver(length, this.#fromView.getUint32(4), this.#fromView.getUint16(2), nowMs);
    }
  }

  #send(length: number, nowMs: number): void {
    const packet = this.#packet;
    const peer = outbound(this.#table, packet, length);
    if (typeof peer === 'string') {
      const meant = peer === 'malformed' ? undefined : this.#table.find(destinationOf(packet));
      this.#drop(peer, meant);
      return this.#report(errorAbout(peer, meant), nowMs);
    }
    this.#toView.setUint16(2, peer.port);
    this.#toView.setUint32(4, peer.remote);
    const sent = this.#libc.sendto(this.#parts.datagramFd, packet, length, MSG_DONTWAIT, this.#to, 16);
    if (sent < 0) this.#refuse(this.#libc.errno(), peer);
    else this.#count(peer, SENT_PACKETS, SENT_BYTES, length);
  }

  #deliver(length: number, from: number, port: number, nowMs: number): void {
    const packet = this.#packet;
    const peer = inbound(this.#table, packet, length, from, port);
    if (typeof peer === 'string') {
      this.#drop(peer, this.#table.sender(from));
      return this.#report(errorAbout(peer, undefined), nowMs);
    }
    const total = packetLength(packet, length);
    if (this.#libc.write(this.#parts.deviceFd, packet, total) < 0) this.#drop('undelivered', peer);
    else this.#count(peer, RECEIVED_PACKETS, RECEIVED_BYTES, total);
  }

  /**
   * To who sent the packet at hand. As this host's own, by its routes: what comes out of the device in the name of an address of this host is dropped as a martian
   * (fib_validate_source).
   */
  #report(error: IcmpError | undefined, nowMs: number): void {
    const packet = this.#packet;
    if (error === undefined) return;
    const total = packetLength(packet, LONGEST);
    if (!mayReport(packet, total) || !this.#errors.take(error, nowMs)) return;
    const source = deviceAddress(this.#parts.datagramFd, this.#parts.device);
    if (source === undefined) return;
    const bytes = icmpError(error, packet, total, source);
    this.#toView.setUint16(2, 0);
    this.#toView.setUint32(4, sourceOf(packet));
    if (this.#libc.sendto(this.#parts.rawFd, bytes, bytes.length, MSG_DONTWAIT, this.#to, 16) >= 0)
      this.#add(ERRORS_SENT, 1);
  }

  #refuse(errno: number, peer: Destination): void {
    if (errno !== EAGAIN) {
      this.#add(REFUSED, 1);
      this.#counters[LAST_ERRNO] = errno;
    }
    this.#drop('unsent', peer);
  }

  #drop(reason: DropReason, peer: Destination | undefined): void {
    this.#add(placeOfReason(reason), 1);
    this.#add(DROPPED, 1);
    if (peer !== undefined) this.#add(placeOfSlot(peer.slot) + DROPPED, 1);
  }

  #count(peer: Destination, packets: number, bytes: number, length: number): void {
    const slot = placeOfSlot(peer.slot);
    this.#add(packets, 1);
    this.#add(bytes, length);
    this.#add(slot + packets, 1);
    this.#add(slot + bytes, length);
  }

  #add(place: number, amount: number): void {
    this.#counters[place] = (this.#counters[place] ?? 0) + amount;
  }
}

/** Of what a stranger sends, or sends in another's name, nobody is told. */
function errorAbout(reason: DropReason, peer: Destination | undefined): IcmpError | undefined {
  switch (reason) {
    case 'no-peer':
      return { kind: 'net unreachable' };
    case 'ttl':
      return { kind: 'time exceeded' };
    case 'too-big':
      return { kind: 'fragmentation needed', mtuBytes: peer?.mtuBytes ?? 0 };
    case 'malformed':
    case 'stranger':
    case 'spoofed':
    case 'unsent':
    case 'undelivered':
      return undefined;
  }
}
