/** Refusals of the kernel as ours, translated in this one place. */
import { asWeftError, WeftError, type ErrorCode } from '../core/errors.ts';
import {
  EACCES,
  EAFNOSUPPORT,
  ENODEV,
  EOPNOTSUPP,
  EPERM,
  EPROTONOSUPPORT,
  errnoName,
  KernelError,
} from '../native/kernel-error.ts';

const CODES = new Map<number, ErrorCode>([
  [EPERM, 'NOT_PERMITTED'],
  [EACCES, 'NOT_PERMITTED'],
  [ENODEV, 'LINK_MISSING'],
  [EOPNOTSUPP, 'KERNEL_UNSUPPORTED'],
  [EAFNOSUPPORT, 'KERNEL_UNSUPPORTED'],
  [EPROTONOSUPPORT, 'KERNEL_UNSUPPORTED'],
]);

const HINTS: Partial<Record<ErrorCode, string>> = {
  NOT_PERMITTED: 'run weftd as root, or give it CAP_NET_ADMIN in this network namespace',
  KERNEL_UNSUPPORTED: 'the kernel lacks a module or is older than the feature; for vxlan try "modprobe vxlan"',
};

/** @param what what was attempted on what: `put route 10.42.7.0/24 ...` */
export function refusal(what: string, errno: number, said: string): WeftError {
  const code = CODES.get(errno) ?? 'KERNEL_REFUSED';
  const hint = HINTS[code];
  const message = `${what}: ${errnoName(errno)}${said === '' ? '' : ` (${said})`}`;
  return new WeftError(code, message, hint === undefined ? {} : { hint });
}

/** An error of the netlink socket itself, or of loading koffi, as ours. */
export function kernelFailure(what: string, error: unknown): WeftError {
  if (error instanceof KernelError) {
    const code = CODES.get(error.errno) ?? 'KERNEL_REFUSED';
    const hint = HINTS[code];
    return new WeftError(code, `${what}: ${error.message}`, { cause: error, ...(hint === undefined ? {} : { hint }) });
  }
  return asWeftError(error);
}
