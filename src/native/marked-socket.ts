/** UDP and raw ICMP sockets whose packets carry a mark and leave by a given device, which Node's own cannot. IPv4. */
import { closeSync } from 'node:fs';
import { ENODEV, KernelError } from './kernel-error.ts';
import { checked, libc } from './libc.ts';
import { AF_INET, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_RAW, SOL_SOCKET } from './netlink/constants.ts';

// asm-generic/socket.h, linux/in.h, linux/icmp.h
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SO_MARK = 36;
const SOL_IP = 0;
const IP_PKTINFO = 8;
const IP_FREEBIND = 15;
const IP_UNICAST_IF = 50;
const IPPROTO_UDP = 17;
const IPPROTO_ICMP = 1;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
const ICMP_ECHOREPLY = 0;

/** struct sockaddr_in, and an int: the kernel has read them when the call returns. */
const addressBytes = new Uint8Array(16);
const addressView = new DataView(addressBytes.buffer);
const intBytes = new Uint8Array(4);
const intView = new Int32Array(intBytes.buffer);

function socketAddress(address: number, port: number): Uint8Array {
  addressView.setUint16(0, AF_INET, true);
  addressView.setUint16(2, port);
  addressView.setUint32(4, address);
  return addressBytes;
}

function int(value: number): Uint8Array {
  intView[0] = value;
  return intBytes;
}

export interface MarkedSocketOptions {
  readonly kind: 'udp' | 'echo';
  /** Source of what is sent; only what is sent there is received. It need not be on the host yet. */
  readonly address: number;
  /** 0: any. */
  readonly port: number;
  /** What all of its packets carry (SO_MARK). */
  readonly mark: number;
}

export class MarkedSocket {
  readonly fd: number;
  #link = 0;

  /** @throws KernelError: EPERM without CAP_NET_ADMIN (mark) or CAP_NET_RAW (echo), EADDRINUSE */
  constructor({ kind, address, port, mark }: MarkedSocketOptions) {
    const c = libc();
    const type = (kind === 'udp' ? SOCK_DGRAM : SOCK_RAW) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    this.fd = checked(`socket(${kind})`, c.socket(AF_INET, type, kind === 'udp' ? IPPROTO_UDP : IPPROTO_ICMP));
    try {
      this.#set('IP_FREEBIND', SOL_IP, IP_FREEBIND, 1);
      this.#set('IP_PKTINFO', SOL_IP, IP_PKTINFO, 1);
      if (kind === 'echo') this.#set('ICMP_FILTER', SOL_RAW, ICMP_FILTER, ~(1 << ICMP_ECHOREPLY));
      this.#set('SO_MARK', SOL_SOCKET, SO_MARK, mark);
      checked(`bind(${kind} port ${port})`, c.bind(this.fd, socketAddress(address, port), 16));
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
  }

  /**
   * What is sent from now on leaves by the device of this index. Unlike SO_BINDTODEVICE it bounds nothing that is received. In the byte order of the network (ip(7)).
   * @throws KernelError EADDRNOTAVAIL when there is no such device
   */
  leaveBy(link: number): void {
    if (link === this.#link) return;
    const index = new DataView(new ArrayBuffer(4));
    index.setUint32(0, link);
    this.#set('IP_UNICAST_IF', SOL_IP, IP_UNICAST_IF, index.getInt32(0, true));
    this.#link = link;
  }

  /** Why it was not sent; undefined when it was. */
  send(bytes: Uint8Array, address: number, port: number): KernelError | undefined {
    const c = libc();
    const sent = c.sendto(this.fd, bytes, bytes.length, MSG_DONTWAIT, socketAddress(address, port), 16);
    return sent < 0 ? new KernelError('sendto', c.errno()) : undefined;
  }

  close(): void {
    closeSync(this.fd);
  }

  #set(name: string, level: number, option: number, value: number): void {
    checked(`setsockopt(${name})`, libc().setsockopt(this.fd, level, option, int(value), 4));
  }
}

/** The device's index. @throws KernelError ENODEV */
export function linkIndex(name: string): number {
  const index = libc().ifNameToIndex(name);
  if (index === 0) throw new KernelError(`if_nametoindex(${name})`, ENODEV);
  return index;
}

/** The device's name; undefined when it is gone. */
export function linkName(index: number): string | undefined {
  const name = new Uint8Array(16);
  if (!libc().ifIndexToName(index, name)) return undefined;
  return new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
}
