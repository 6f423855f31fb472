/** One datagram to a Unix socket, by its path or by an abstract name: unix(7). Node has no such sockets. */
import { closeSync } from 'node:fs';
import { checked, libc } from './libc.ts';
import { MSG_DONTWAIT, SOCK_CLOEXEC } from './netlink/constants.ts';

// linux/socket.h, linux/net.h
export const AF_UNIX = 1;
export const SOCK_DGRAM = 2;
const MSG_NOSIGNAL = 0x4000;

/** sun_path of struct sockaddr_un, the NUL behind a path included. */
const PATH_BYTES = 108;

/** struct sockaddr_un. `@` stands for the NUL that an abstract name begins with. Undefined when the name is none, or too long. */
export function unixAddress(name: string): Uint8Array | undefined {
  const bytes = Buffer.from(name);
  if (!/^[/@]./s.test(name) || bytes.length >= PATH_BYTES) return undefined;
  const isAbstract = name.startsWith('@');
  // The length of an abstract name tells where it ends.
  const address = new Uint8Array(2 + bytes.length + (isAbstract ? 0 : 1));
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(bytes, 2);
  if (isAbstract) address[2] = 0;
  return address;
}

/** Does not wait. @throws KernelError: ENOENT and ECONNREFUSED when nobody listens, EAGAIN when he has too much to read */
export function sendUnixDatagram(address: Uint8Array, data: Uint8Array): void {
  const c = libc();
  const fd = checked('socket(unix)', c.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  try {
    checked('sendto', c.sendto(fd, data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL, address, address.length));
  } finally {
    closeSync(fd);
  }
}
