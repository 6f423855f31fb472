/** vxlan devices: seen, made, changed in place, made anew, removed. */
import type { Change } from '../core/diff.ts';
import { WeftError } from '../core/errors.ts';
import { describeHostEntry, linkIsRemade, type VxlanLink } from '../core/host-entry.ts';
import { parseAddress } from '../core/address.ts';
import { ENODEV } from '../native/kernel-error.ts';
import {
  AF_INET,
  AF_INET6,
  IFF_UP,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  RTM_DELLINK,
  RTM_NEWLINK,
  RTM_NEWNEIGH,
} from '../native/netlink/constants.ts';
import {
  writeLinkChange,
  writeVxlan,
  type LinkMessage,
  type LinkSettings,
  type VxlanData,
} from '../native/netlink/link.ts';
import { writeNeighbour } from '../native/netlink/neighbour.ts';
import type { Refusal, RouteSocket } from '../native/route-socket.ts';
import { refusal } from './kernel-errors.ts';
import { addressOf, ipValueOf, macAddressOf } from './kernel-values.ts';
import type { Links } from './links.ts';
import { permanentNeighbours } from './neighbours.ts';

/** A device without a source address or an underlying device is none of ours, and must look unlike each of ours: it is made anew. */
const NO_ADDRESS = parseAddress('0.0.0.0');
const NO_LINK = '';
const NO_MAC = macAddressOf('00:00:00:00:00:00');

/** As an entry; undefined when the device is of another kind. */
function entryOf(link: LinkMessage, vxlan: VxlanData, lower: string | undefined): VxlanLink {
  return {
    kind: 'link',
    name: link.name,
    vni: vxlan.vni,
    port: vxlan.port,
    local: vxlan.local === undefined ? NO_ADDRESS : addressOf(vxlan.local),
    uplink: lower ?? NO_LINK,
    mtuBytes: link.mtuBytes,
    mac: link.mac === undefined ? NO_MAC : macAddressOf(link.mac),
    learning: vxlan.learning,
    gbp: vxlan.gbp,
    up: (link.flags & IFF_UP) !== 0,
  };
}

/** The vxlan device of that name; undefined when there is none, or one of another kind. */
export function observeVxlan(links: Links, name: string): VxlanLink | undefined {
  const link = links.named(name);
  if (link?.vxlan === undefined || link.name !== name) return undefined;
  return entryOf(link, link.vxlan, link.vxlan.lower === 0 ? undefined : links.at(link.vxlan.lower)?.name);
}

/** What stands decides, not what the change says stood. @returns what went wrong */
export function applyVxlan(socket: RouteSocket, links: Links, change: Change<VxlanLink>): WeftError | undefined {
  const name = change.op === 'put' ? change.want.name : change.was.name;
  const standing = links.named(name);
  const was = observeVxlan(links, name);
  const lower = change.op === 'put' ? links.named(change.want.uplink) : undefined;
  links.forget();
  if (change.op === 'remove') {
    // A device of another kind under that name is not the one that was ours: that one is gone.
    if (standing === undefined || was === undefined) return undefined;
    socket.add(RTM_DELLINK, 0, (w) => writeLinkChange(w, standing.index, {}));
    const [gone] = socket.exchange();
    return gone === undefined || gone.errno === ENODEV ? undefined : refused(change.was, 'remove', gone);
  }
  const { want } = change;
  if (standing !== undefined && was === undefined) {
    return new WeftError(
      'LINK_FOREIGN',
      `put ${describeHostEntry(want)}: a device ${name} stands that is no vxlan device${standing.kind === '' ? '' : ` but of kind ${standing.kind}`}`,
      {
        hint: `remove or rename the device ${name}, or choose another VNI`,
      },
    );
  }
  if (lower === undefined)
    return new WeftError('LINK_MISSING', `put ${describeHostEntry(want)}: there is no device ${want.uplink}`);
  if (standing === undefined || was === undefined || linkIsRemade(was, want))
    return make(socket, standing, want, lower.index);
  return alter(socket, standing.index, was, want);
}

/** Removal and making go in one send: the time without the device is the kernel's own. */
function make(
  socket: RouteSocket,
  standing: LinkMessage | undefined,
  want: VxlanLink,
  lower: number,
): WeftError | undefined {
  if (standing !== undefined) socket.add(RTM_DELLINK, 0, (w) => writeLinkChange(w, standing.index, {}));
  const { mac, mtuBytes, up, vni, port, learning, gbp } = want;
  const data = { vni, port, local: ipValueOf(want.local), lower, learning, gbp };
  socket.add(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, (w) => writeVxlan(w, want.name, { mac, mtuBytes, up }, data));
  const made = standing === undefined ? 0 : 1;
  const failed = socket.exchange().find(({ request, errno }) => request === made || errno !== ENODEV);
  return failed === undefined ? undefined : refused(want, 'put', failed);
}

/**
 * MTU, MAC and up on the device as it stands: what hangs on it stays, but for neighbours, which the kernel drops, permanent ones too, with each change of the
 * MAC (neigh_changeaddr). They are set again in the same send.
 */
function alter(socket: RouteSocket, index: number, was: VxlanLink, want: VxlanLink): WeftError | undefined {
  const settings: LinkSettings = {
    ...(was.mac === want.mac ? {} : { mac: want.mac }),
    ...(was.mtuBytes === want.mtuBytes ? {} : { mtuBytes: want.mtuBytes }),
    ...(was.up === want.up ? {} : { up: want.up }),
  };
  if (Object.keys(settings).length === 0) return undefined;
  const neighbours =
    settings.mac === undefined ? [] : [AF_INET, AF_INET6].flatMap((af) => permanentNeighbours(socket, af, index));
  socket.add(RTM_NEWLINK, 0, (w) => writeLinkChange(w, index, settings));
  let failed: Refusal | undefined;
  for (const { address, mac } of neighbours) {
    if (socket.full) failed ??= socket.exchange()[0];
    socket.add(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, (w) => writeNeighbour(w, index, address, mac));
  }
  failed ??= socket.exchange()[0];
  return failed === undefined ? undefined : refused(want, 'put', failed);
}

const refused = (entry: VxlanLink, op: 'put' | 'remove', { errno, said }: Refusal): WeftError =>
  refusal(`${op} ${describeHostEntry(entry)}`, errno, said);
