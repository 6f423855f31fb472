/** TUN devices: packets that the kernel routes into the device are read, and what is written comes out of it (Documentation/networking/tuntap.rst). */
import { closeSync, constants, openSync } from 'node:fs';
import { checked, libc } from './libc.ts';

/** linux/if_tun.h: a device of bare IP packets, with nothing before each. */
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
/** _IOW('T', number, int) (asm-generic/ioctl.h). Power and MIPS have another bit for "write". */
const WRITE = process.arch === 'ppc64' || process.arch.startsWith('mips') ? 0x8000_0000 : 0x4000_0000;
const iow = (number: number): number => WRITE + (4 << 16) + ('T'.charCodeAt(0) << 8) + number;
const TUNSETPERSIST = iow(203);
const TUNSETOWNER = iow(204);
const TUNSETIFF = iow(202);
/** struct ifreq: a name of 16 bytes, then flags or an address. */
const IFREQ_BYTES = 40;
const NAME_BYTES = 16;
const SIOCGIFADDR = 0x8915;

function request(name: string): Uint8Array {
  const bytes = new Uint8Array(IFREQ_BYTES);
  bytes.set(new TextEncoder().encode(name).subarray(0, NAME_BYTES - 1));
  return bytes;
}

/**
 * The device of that name, made where there is none, ready to be read and written without waiting. It stays when it is closed, and everything that stands on it. Nobody
 * has it open but us: the kernel gives it to one at a time. Without an owner any user of the host could take it while we do not run (tun_not_capable).
 * @throws KernelError EBUSY when another process has it, EINVAL when a device of another kind has that name; Node's errors of open(2)
 */
export function openTun(name: string): number {
  const fd = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
  try {
    const wanted = request(name);
    new DataView(wanted.buffer).setInt16(NAME_BYTES, IFF_TUN | IFF_NO_PI, true);
    checked(`TUNSETIFF ${name}`, libc().ioctl(fd, TUNSETIFF, wanted));
    checked(`TUNSETOWNER ${name}`, libc().ioctlNumber(fd, TUNSETOWNER, process.geteuid?.() ?? 0));
    checked(`TUNSETPERSIST ${name}`, libc().ioctlNumber(fd, TUNSETPERSIST, 1));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The IPv4 address of a device as an unsigned number; undefined when it has none, or is gone. @param socket any */
export function deviceAddress(socket: number, name: string): number | undefined {
  const asked = request(name);
  if (libc().ioctl(socket, SIOCGIFADDR, asked) < 0) return undefined;
  // struct sockaddr_in: family, port, address.
  return new DataView(asked.buffer).getUint32(NAME_BYTES + 4);
}
