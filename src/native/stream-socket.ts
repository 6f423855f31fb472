/** TCP connections out of another network namespace: Node makes the sockets of its own a turn later, when the thread is home again. IPv4. */
import { closeSync } from 'node:fs';
import os from 'node:os';
import { KernelError } from './kernel-error.ts';
import { checked, libc } from './libc.ts';
import { AF_INET, SOCK_CLOEXEC } from './netlink/constants.ts';
import { inNetworkNamespace } from './network-namespace.ts';

// asm-generic/socket.h, linux/net.h
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;

/**
 * A file descriptor that is on its way to be connected, without waiting: whether it arrives shows when it is read or written. Whoever has it closes it.
 * @param file the namespace's
 */
export function connectingSocketIn(file: string, address: number, port: number): number {
  const to = new DataView(new ArrayBuffer(16));
  to.setUint16(0, AF_INET, true);
  to.setUint16(2, port);
  to.setUint32(4, address);
  return inNetworkNamespace(file, () => {
    const fd = checked('socket', libc().socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    try {
      checked('connect', libc().connect(fd, new Uint8Array(to.buffer), to.byteLength));
    } catch (error) {
      if (error instanceof KernelError && error.errno === os.constants.errno.EINPROGRESS) return fd;
      closeSync(fd);
      throw error;
    }
    return fd;
  });
}
