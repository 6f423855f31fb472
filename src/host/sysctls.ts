/** Kernel settings below /proc/sys. Those of the network belong to the network namespace of the process that looks. */
import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Change } from '../core/diff.ts';
import { WeftError } from '../core/errors.ts';
import type { Sysctl } from '../core/host-entry.ts';
import { fileError, isGone } from './host-errors.ts';

const ROOT = '/proc/sys';

/** A device may be called almost anything but `.`, `..` or what holds a slash or a space (linux dev_valid_name). */
function pathOf(name: string): string {
  const parts = name.split('/');
  const sound = parts.length > 1 && parts.every((part) => part !== '.' && part !== '..' && /^[^\s\0]+$/.test(part));
  if (!sound)
    throw new WeftError(
      'KERNEL_REFUSED',
      `sysctl "${name}": expected a path below ${ROOT} such as net/ipv4/ip_forward`,
    );
  return `${ROOT}/${name}`;
}

/** The device whose setting this is: `net/ipv4/conf/eth0/rp_filter`. `all` and `default` are none. */
function linkOf(name: string): string | undefined {
  const link = /^net\/ipv[46]\/(?:conf|neigh)\/([^/]+)\//.exec(name)?.[1];
  return link === 'all' || link === 'default' ? undefined : link;
}

/** What every setting of IPv6 comes to where the kernel was booted without it (ipv6.disable=1), and has none of them. */
const OFF = '0';
const isWithoutFamily = (name: string): boolean => name.startsWith('net/ipv6/') && !existsSync(`${ROOT}/net/ipv6/conf`);

/** Settings with several numbers are parted by tabs. */
const tidy = (text: string): string => text.trim().replaceAll(/\s+/g, ' ');

/** Those of the settings that exist; a device's are gone with the device. Sorted as asked for. */
export async function observeSysctls(names: readonly string[]): Promise<Sysctl[]> {
  return names.flatMap((name) => {
    const link = linkOf(name);
    const seen = (value: string): Sysctl => ({ kind: 'sysctl', name, value, ...(link === undefined ? {} : { link }) });
    try {
      // Made up by the kernel on the spot: waiting for a thread would cost more than the read.
      return [seen(tidy(readFileSync(pathOf(name), 'utf8')))];
    } catch (error) {
      if (isGone(error)) return isWithoutFamily(name) ? [seen(OFF)] : [];
      throw error instanceof WeftError ? error : fileError(`cannot read sysctl ${name}`, error);
    }
  });
}

/**
 * A removal does nothing: what stood before us is not known, and others may rely on the value by now.
 * LINK_MISSING when the device is gone, NOT_PERMITTED, KERNEL_REFUSED.
 */
export async function applySysctl(change: Change<Sysctl>): Promise<void> {
  if (change.op === 'remove') return;
  const { name, value } = change.want;
  const path = pathOf(name);
  try {
    // Without O_CREAT, which would turn ENOENT into EACCES here, and without O_RDONLY, which some settings refuse.
    const file = openSync(path, constants.O_WRONLY);
    try {
      writeSync(file, value);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (isGone(error) && value === OFF && isWithoutFamily(name)) return;
    const link = linkOf(name);
    if (isGone(error) && link !== undefined) {
      throw new WeftError('LINK_MISSING', `cannot set sysctl ${name}: there is no device ${link}`, { cause: error });
    }
    throw fileError(`cannot set sysctl ${name} to "${value}"`, error);
  }
}
