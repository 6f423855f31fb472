/** ICMP echo to one peer (RFC 792). The answer comes from its kernel, and always by the one way back that it has to us. */
import { randomBytes } from 'node:crypto';
import type { PathName } from '../core/path.ts';
import {
  addSent,
  settleByAnswer,
  settleByTime,
  type SentProbe,
  type Settled,
  type SettledProbe,
} from '../core/probe-verdict.ts';

const ECHO_REPLY = 0;
const ECHO = 8;
const HEADER_BYTES = 8;
const NONCE_BYTES = 8;
const PACKET_BYTES = HEADER_BYTES + 4 + NONCE_BYTES;

export class EchoSession {
  readonly #id = randomBytes(2).readUInt16BE();
  readonly #nonce = randomBytes(NONCE_BYTES);
  #sequence = 0;
  #waiting: readonly SentProbe[] = [];

  /** A request on this path; `unsent` tells of one that did not leave. */
  request(path: PathName, nowMs: number): Uint8Array {
    this.#sequence += 1;
    this.#waiting = addSent(this.#waiting, { sequence: this.#sequence, path, sentAtMs: nowMs });
    const packet = Buffer.alloc(PACKET_BYTES);
    packet.writeUInt8(ECHO, 0);
    packet.writeUInt16BE(this.#id, 4);
    packet.writeUInt16BE(this.#sequence & 0xffff, 6);
    // The header's own field comes round after 65,536.
    packet.writeUInt32BE(this.#sequence, HEADER_BYTES);
    this.#nonce.copy(packet, HEADER_BYTES + 4);
    packet.writeUInt16BE(checksum(packet), 2);
    return packet;
  }

  unsent(why: string): void {
    const last = this.#sequence;
    this.#waiting = this.#waiting.map((probe) => (probe.sequence === last ? { ...probe, unsent: why } : probe));
  }

  /** @param packet as a raw socket yields it, with its IP header */
  hear(packet: Uint8Array, nowMs: number): readonly SettledProbe[] {
    const icmp = Buffer.from(packet).subarray(((packet[0] ?? 0) & 0x0f) * 4);
    if (icmp.length !== PACKET_BYTES || icmp[0] !== ECHO_REPLY || icmp.readUInt16BE(4) !== this.#id) return [];
    if (!icmp.subarray(HEADER_BYTES + 4).equals(this.#nonce)) return [];
    const sequence = icmp.readUInt32BE(HEADER_BYTES);
    const asked = this.#waiting.find((probe) => probe.sequence === sequence);
    const told = {
      sequence,
      arrived: asked?.path,
      second: false,
      listeningMs: Infinity,
      heard: new Map<never, never>(),
    };
    const settled = settleByAnswer(this.#waiting, told, nowMs);
    return settled === undefined ? [] : this.#settle(settled);
  }

  giveUp(nowMs: number): readonly SettledProbe[] {
    return this.#settle(settleByTime(this.#waiting, nowMs));
  }

  #settle({ waiting, settled }: Settled): readonly SettledProbe[] {
    this.#waiting = waiting;
    return settled;
  }
}

/** RFC 1071. */
function checksum(packet: Buffer): number {
  let sum = 0;
  for (let i = 0; i + 1 < packet.length; i += 2) sum += packet.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
