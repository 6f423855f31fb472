/** ICMP echo over raw sockets, one socket a flow, many in one thread: Node has none. Answers come from the other side's kernel. */
import { closeSync } from 'node:fs';
import { inNetworkNamespace } from './network-namespace.ts';
import { checked, libc } from './libc.ts';

// bits/socket.h, netinet/in.h, linux/icmp.h, asm-generic/poll.h
const AF_INET = 2;
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0o4000 | 0o2000000;
const IPPROTO_ICMP = 1;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
const ICMP_ECHOREPLY = 0;
const ICMP_ECHO = 8;
const POLLIN = 1;

const ICMP_HEADER_BYTES = 8;
/** As long as ping(8)'s. */
const PAYLOAD_BYTES = 56;

export class PingSocket {
  readonly fd: number;
  readonly #id: number;
  readonly #packet = Buffer.alloc(ICMP_HEADER_BYTES + PAYLOAD_BYTES, 0x57);
  readonly #answer = Buffer.alloc(2048);
  readonly #address = Buffer.alloc(16);
  #connected = false;

  /** @param id tells the answers of two sockets with one peer apart; 16 bits. */
  constructor(namespaceFile: string, to: string, id: number) {
    this.#id = id;
    this.fd = inNetworkNamespace(namespaceFile, () => {
      const fd = checked('socket', libc().socket(AF_INET, SOCK_RAW_NONBLOCK_CLOEXEC, IPPROTO_ICMP));
      const pass = Buffer.alloc(4);
      pass.writeUInt32LE(~(1 << ICMP_ECHOREPLY) >>> 0);
      checked('setsockopt', libc().setsockopt(fd, SOL_RAW, ICMP_FILTER, pass, pass.length));
      return fd;
    });
    this.#address.writeUInt16LE(AF_INET);
    this.#address.set(to.split('.').map(Number), 4);
  }

  /** A packet that the kernel refuses (no route, say) is one that is never answered. */
  send(sequence: number): void {
    const packet = this.#packet;
    packet.writeUInt16BE(ICMP_ECHO << 8, 0);
    packet.writeUInt16BE(0, 2);
    packet.writeUInt16BE(this.#id, 4);
    packet.writeUInt16BE(sequence & 0xffff, 6);
    // The header's field would come round after 65,536.
    packet.writeUInt32BE(sequence, ICMP_HEADER_BYTES);
    packet.writeUInt16BE(checksum(packet), 2);
    // Connected, it hears this peer alone. Without a route it cannot be, yet.
    this.#connected ||= libc().connect(this.fd, this.#address, this.#address.length) === 0;
    if (this.#connected) libc().send(this.fd, packet, packet.length, 0);
  }

  /** Sequence of an answer that has come; undefined when there is no more. */
  receive(): number | undefined {
    for (;;) {
      const count = libc().recv(this.fd, this.#answer, this.#answer.length, 0);
      // None there, or a fault of an earlier packet.
      if (count < 0) return undefined;
      const icmp = ((this.#answer[0] ?? 0) & 0x0f) * 4;
      if (count < icmp + ICMP_HEADER_BYTES + 4) continue;
      if (this.#answer[icmp] !== ICMP_ECHOREPLY || this.#answer.readUInt16BE(icmp + 4) !== this.#id) continue;
      return this.#answer.readUInt32BE(icmp + ICMP_HEADER_BYTES);
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** Waits until one of the descriptors can be read, or the time is over. Yields those that can. Blocks the thread. */
export function waitReadable(fds: readonly number[], timeoutMs: number): readonly number[] {
  const polled = Buffer.alloc(8 * fds.length);
  for (const [i, fd] of fds.entries()) {
    polled.writeInt32LE(fd, 8 * i);
    polled.writeInt16LE(POLLIN, 8 * i + 4);
  }
  const whole = Math.max(0, timeoutMs);
  const timeout = Buffer.alloc(16);
  timeout.writeBigInt64LE(BigInt(Math.floor(whole / 1000)), 0);
  timeout.writeBigInt64LE(BigInt(Math.floor((whole % 1000) * 1e6)), 8);
  // Also when a signal came.
  if (libc().ppoll(polled, fds.length, timeout, null) <= 0) return [];
  // Hang-up and error count as readable: reading tells what it was.
  return fds.filter((_, i) => polled.readInt16LE(8 * i + 6) !== 0);
}

/** RFC 1071. */
function checksum(packet: Buffer): number {
  let sum = 0;
  for (let i = 0; i + 1 < packet.length; i += 2) sum += packet.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
