/** TUN devices: seen, made, changed, removed. The kernel makes them by an ioctl alone (tun_validate), and does the rest by netlink. */
import { closeSync } from 'node:fs';
import type { Change } from '../core/diff.ts';
import { WeftError } from '../core/errors.ts';
import { describeUdpEntry, type TunLink } from '../core/udp-entry.ts';
import { EBUSY, ENODEV, KernelError } from '../native/kernel-error.ts';
import { IFF_UP, RTM_DELLINK, RTM_NEWLINK } from '../native/netlink/constants.ts';
import { writeLinkChange, type LinkMessage, type LinkSettings } from '../native/netlink/link.ts';
import type { RouteSocket } from '../native/route-socket.ts';
import { openTun } from '../native/tun.ts';
import { errnoOf } from './host-errors.ts';
import { refusal } from './kernel-errors.ts';
import type { Links } from './links.ts';

/** linux/if_tun.h */
const IFF_TUN = 1;

/** One that can be ours: of IP packets, and made to stay. What a program has for as long as it runs (flanneld, a VPN) is its own. */
export const isOurTun = (link: LinkMessage | undefined): link is LinkMessage =>
  link?.tun?.type === IFF_TUN && link.tun.persistent;

/** A device of a kind that we make: what stands on one under a name of ours is ours too. */
export const isTunnelDevice = (link: LinkMessage | undefined): link is LinkMessage =>
  link?.vxlan !== undefined || isOurTun(link);

/** Undefined when there is none, or one that we cannot have made. */
export function observeTun(links: Links, name: string): TunLink | undefined {
  const link = links.named(name);
  return isOurTun(link) && link.name === name
    ? { kind: 'tun', name, mtuBytes: link.mtuBytes, up: (link.flags & IFF_UP) !== 0 }
    : undefined;
}

/** What stands decides, not what the change says stood. @returns what went wrong */
export function applyTun(socket: RouteSocket, links: Links, change: Change<TunLink>): WeftError | undefined {
  const { name } = change.op === 'put' ? change.want : change.was;
  let standing = links.named(name);
  links.forget();
  if (change.op === 'remove') {
    // One of another kind under that name is not the one that was ours: that one is gone.
    if (!isOurTun(standing)) return undefined;
    const { index } = standing;
    socket.add(RTM_DELLINK, 0, (w) => writeLinkChange(w, index, {}));
    const [gone] = socket.exchange();
    if (gone === undefined || gone.errno === ENODEV) return undefined;
    return refusal(`remove ${describeUdpEntry(change.was)}`, gone.errno, gone.said);
  }
  const what = `put ${describeUdpEntry(change.want)}`;
  if (standing !== undefined && !isOurTun(standing)) return foreign(what, name, standing);
  if (standing === undefined) {
    const failure = make(what, name);
    if (failure !== undefined) return failure;
    standing = links.named(name);
    links.forget();
    if (standing === undefined) return new WeftError('LINK_MISSING', `${what}: it has vanished as it was made`);
  }
  return alter(socket, standing, change.want, what);
}

function make(what: string, name: string): WeftError | undefined {
  try {
    closeSync(openTun(name));
    return undefined;
  } catch (error) {
    return tunFailure(what, name, error);
  }
}

function alter(
  socket: RouteSocket,
  { index, ...was }: LinkMessage,
  want: TunLink,
  what: string,
): WeftError | undefined {
  const isUp = (was.flags & IFF_UP) !== 0;
  const settings: LinkSettings = {
    ...(was.mtuBytes === want.mtuBytes ? {} : { mtuBytes: want.mtuBytes }),
    ...(isUp === want.up ? {} : { up: want.up }),
  };
  if (Object.keys(settings).length === 0) return undefined;
  socket.add(RTM_NEWLINK, 0, (w) => writeLinkChange(w, index, settings));
  const [refused] = socket.exchange();
  return refused === undefined ? undefined : refusal(what, refused.errno, refused.said);
}

function foreign(what: string, name: string, { kind, tun }: LinkMessage): WeftError {
  const theirs =
    tun?.type === IFF_TUN
      ? 'which a running program has made for itself'
      : `that is no TUN device${kind === '' ? '' : ` but of kind ${kind}`}`;
  return new WeftError('LINK_FOREIGN', `${what}: a device ${name} stands ${theirs}`, {
    hint: `Stop the program that has it (flanneld, or a VPN), rename the device ${name}, or choose another Weft.UDP.Port: the name goes by it`,
  });
}

/** Of `openTun`, in words that help. */
export function tunFailure(what: string, name: string, error: unknown): WeftError {
  if (error instanceof KernelError && error.errno === EBUSY)
    return new WeftError('LINK_FOREIGN', `${what}: another process has the device ${name} open`, {
      cause: error,
      hint: `Stop that process, which "grep -l iff:.*${name} /proc/[0-9]*/fdinfo/*" finds`,
    });
  if (error instanceof KernelError) return refusal(what, error.errno, error.message);
  // Also EPERM: systemd and container runtimes close devices to those who may change the network all the same, and then only this tunnel is out of reach.
  const why = errnoOf(error) ?? (error instanceof Error ? error.message : String(error));
  const closed = why === 'EPERM' || why === 'EACCES';
  return new WeftError('KERNEL_UNSUPPORTED', `${what}: open /dev/net/tun: ${why}`, {
    cause: error,
    hint: closed
      ? 'Allow the device: DeviceAllow=/dev/net/tun rw in the systemd unit, --device /dev/net/tun for a container'
      : 'Load the module: modprobe tun; a container needs --device /dev/net/tun',
  });
}
