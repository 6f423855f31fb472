/** A refusal by the kernel, with its number. Kept free of Weft's own codes: callers say what it means to them. */
import os from 'node:os';

const NAMES = new Map(Object.entries(os.constants.errno).map(([name, number]) => [number, name]));

export const { EPERM, ENOENT, ESRCH, EINTR, EAGAIN, ENOMEM, EACCES, EBUSY, EEXIST, ENODEV, EINVAL } =
  os.constants.errno;
export const { EOPNOTSUPP, EAFNOSUPPORT, EPROTONOSUPPORT, EADDRNOTAVAIL, ENETDOWN, ENETUNREACH, EHOSTUNREACH } =
  os.constants.errno;
export const { ENOBUFS, EMSGSIZE, ETIMEDOUT, EADDRINUSE, ECONNREFUSED, ENOPROTOOPT, EPROTO } = os.constants.errno;
/** asm-generic/errno.h; Node does not name them. */
export const EHOSTDOWN = 112;
export const ENONET = 64;

/** `ENOENT`; `errno 524` where the C library has no name. */
export const errnoName = (errno: number): string => NAMES.get(errno) ?? `errno ${errno}`;

export class KernelError extends Error {
  override readonly name = 'KernelError';
  readonly errno: number;

  /** @param said the kernel's own words, where it has some (netlink extended acknowledgements). */
  constructor(call: string, errno: number, said = '') {
    super(`${call}: ${errnoName(errno)}${said === '' ? '' : ` (${said})`}`);
    this.errno = errno;
  }
}
