/** One netlink socket: opened, told how to behave, sent to and received from without waiting. */
import { closeSync } from 'node:fs';
import os from 'node:os';
import { checked, libc } from './libc.ts';
import { EAGAIN, EINTR, EMSGSIZE, KernelError } from './kernel-error.ts';
import {
  AF_NETLINK,
  MSG_DONTWAIT,
  MSG_TRUNC,
  NETLINK_ADD_MEMBERSHIP,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_NETLINK,
  SOL_SOCKET,
} from './netlink/constants.ts';

/** struct sockaddr_nl: family u16, pad u16, port u32, groups u32. */
const ADDRESS_BYTES = 12;

export interface NetlinkOptions {
  readonly receiveBytes: number;
  readonly sendBytes: number;
  /** Multicast groups to join. */
  readonly groups?: readonly number[];
}

const int = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer);

export class NetlinkSocket {
  readonly fd: number;
  /** By which the kernel tells this socket from others: `nlmsg_pid` of the notifications about what it did. */
  readonly port: number;
  /** What the kernel counts against before it drops: twice what was asked for. */
  readonly receiveBytes: number;

  /** @throws KernelError; Error when koffi cannot be loaded or the CPU is big-endian. */
  constructor(protocol: number, options: NetlinkOptions) {
    if (os.endianness() !== 'LE')
      throw new Error(`${process.arch} is big-endian, which this netlink codec does not speak`);
    const c = libc();
    this.fd = checked('socket(AF_NETLINK)', c.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    try {
      const address = new Uint8Array(ADDRESS_BYTES);
      const view = new DataView(address.buffer);
      view.setUint16(0, AF_NETLINK, true);
      checked('bind', c.bind(this.fd, address, ADDRESS_BYTES));
      checked('getsockname', c.getsockname(this.fd, address, Uint32Array.of(ADDRESS_BYTES)));
      this.port = view.getUint32(4, true);
      // Each may be unknown to an older kernel (4.3, 4.12, 4.20): then errors have no words, and dumps are filtered by whoever reads them.
      for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK])
        c.setsockopt(this.fd, SOL_NETLINK, option, int(1), 4);
      this.#size(SO_SNDBUFFORCE, SO_SNDBUF, options.sendBytes);
      this.#size(SO_RCVBUFFORCE, SO_RCVBUF, options.receiveBytes);
      const size = new Uint8Array(4);
      checked('getsockopt(SO_RCVBUF)', c.getsockopt(this.fd, SOL_SOCKET, SO_RCVBUF, size, Uint32Array.of(4)));
      this.receiveBytes = new DataView(size.buffer).getInt32(0, true);
      for (const group of options.groups ?? []) {
        checked(
          `join netlink group ${group}`,
          c.setsockopt(this.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, int(group), 4),
        );
      }
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
  }

  /** Past the administrator's limit where we may (root of the first user namespace), else up to it. */
  #size(force: number, plain: number, bytes: number): void {
    if (libc().setsockopt(this.fd, SOL_SOCKET, force, int(bytes), 4) === 0) return;
    libc().setsockopt(this.fd, SOL_SOCKET, plain, int(bytes), 4);
  }

  /** The kernel works on the requests before this returns. @throws KernelError */
  send(bytes: Uint8Array, length: number): void {
    checked('netlink send', libc().send(this.fd, bytes, length, 0));
  }

  /** Length of the datagram received; undefined when there is none. @throws KernelError, ENOBUFS when the kernel had to drop some. */
  receive(into: Uint8Array): number | undefined {
    for (;;) {
      const length = libc().recv(this.fd, into, into.length, MSG_DONTWAIT | MSG_TRUNC);
      if (length > into.length) throw new KernelError(`netlink message of ${length} bytes`, EMSGSIZE);
      if (length >= 0) return length;
      const errno = libc().errno();
      if (errno === EAGAIN) return undefined;
      if (errno !== EINTR) throw new KernelError('netlink receive', errno);
    }
  }

  /** Lets the kernel drop messages before they are queued; without it they come all. */
  filter(program: Uint8Array): void {
    libc().attachFilter(this.fd, program.length / 8, program);
  }

  close(): void {
    closeSync(this.fd);
  }
}
