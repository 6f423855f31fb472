/** The sockets of a tunnel through UDP: one for datagrams, with much room, and a raw one for what the tunnel itself has to say. IPv4. */
import { closeSync } from 'node:fs';
import { checked, libc } from './libc.ts';
import {
  AF_INET,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_SOCKET,
} from './netlink/constants.ts';

// asm-generic/socket.h, linux/in.h
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOL_IP = 0;
const IP_MTU_DISCOVER = 10;
const IP_PMTUDISC_DONT = 0;
const IPPROTO_UDP = 17;
const IPPROTO_RAW = 255;

/** A burst of a whole window of TCP, and a reader that another process keeps waiting for some milliseconds. */
const BUFFER_BYTES = 4 << 20;

const int = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer);

/** struct sockaddr_in */
export function socketAddress(address: number, port: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  view.setUint32(4, address);
  return bytes;
}

/** Past the administrator's limit where we may (root of the first user namespace), else up to it. */
function size(fd: number, force: number, plain: number): void {
  if (libc().setsockopt(fd, SOL_SOCKET, force, int(BUFFER_BYTES), 4) === 0) return;
  libc().setsockopt(fd, SOL_SOCKET, plain, int(BUFFER_BYTES), 4);
}

/** @throws KernelError EADDRINUSE, EADDRNOTAVAIL */
export function openDatagrams(address: number, port: number): number {
  const c = libc();
  const type = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = checked('socket(udp)', c.socket(AF_INET, type, IPPROTO_UDP));
  try {
    // Datagrams may be cut on their way, as the kernel's vxlan allows too: a path that carries less than its ends say loses nothing, and does not depend on ICMP.
    checked('setsockopt(IP_MTU_DISCOVER)', c.setsockopt(fd, SOL_IP, IP_MTU_DISCOVER, int(IP_PMTUDISC_DONT), 4));
    size(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    size(fd, SO_SNDBUFFORCE, SO_SNDBUF);
    checked(`bind(udp port ${port})`, c.bind(fd, socketAddress(address, port), 16));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Sends whole IPv4 packets as this host's own (raw(7)), and receives none. @throws KernelError EPERM without CAP_NET_RAW */
export function openRaw(): number {
  const type = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;
  return checked('socket(raw)', libc().socket(AF_INET, type, IPPROTO_RAW));
}
