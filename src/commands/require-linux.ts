/** What weftd cannot do without, asked before anything is touched: Linux, and the right to program its network. */
import { readFileSync } from 'node:fs';
import { WeftError } from '../core/errors.ts';

/** Bit of CAP_NET_ADMIN (linux/capability.h). */
const NET_ADMIN = 12n;

/** @throws WeftError KERNEL_UNSUPPORTED */
export function requireLinux(platform: NodeJS.Platform = process.platform): void {
  if (platform === 'linux') return;
  throw new WeftError('KERNEL_UNSUPPORTED', `weftd programs the Linux kernel, and this is ${platform}`, {
    hint: 'Run it on a Linux machine, a virtual machine, or a container with CAP_NET_ADMIN.',
  });
}

/** @throws WeftError NOT_PERMITTED */
export function requireNetAdmin(processStatus = readFileSync('/proc/self/status', 'utf8')): void {
  // Effective capabilities, in hexadecimal (proc_pid_status(5)).
  const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(processStatus)?.[1] ?? '0';
  if ((BigInt(`0x${digits}`) >> NET_ADMIN) & 1n) return;
  throw new WeftError('NOT_PERMITTED', 'this process may not program the network of this host (CAP_NET_ADMIN)', {
    hint: 'Run it as root, or give it that capability; a container needs --cap-add NET_ADMIN.',
  });
}
