/**
 * direct: the peer is the next hop on the same layer 2, and packets go as they are (flannel's host-gw).
 *
 *   container -> this host -> uplink -> peer's uplink -> peer -> container
 */
import type { Address } from '../core/address.ts';
import type { FabricIdentity, Lease } from '../core/lease.ts';
import { contains } from '../core/subnet.ts';
import type { Uplink } from '../core/uplink.ts';
import { unusable, usable, type Datapath, type Self } from './datapath.ts';
import { routeMtu } from './mtu.ts';

/** A plain flanneld forwards what arrives bare when it runs host-gw, or vxlan with DirectRouting (the same config for all). */
function plainPeerTakesBare(self: Self, peer: Lease): boolean {
  const { backendType } = peer.attributes;
  return (
    backendType === 'host-gw' ||
    (backendType === 'vxlan' && self.config.backendType === 'vxlan' && self.config.paths.includes('direct'))
  );
}

/** What is said of each peer elsewhere, and the same of thousands: by my place, then by the peer's subnet. */
const otherSubnets = new WeakMap<FabricIdentity, Map<string, string>>();

function otherSubnet(mine: FabricIdentity, theirs: FabricIdentity): string {
  let texts = otherSubnets.get(mine);
  if (texts === undefined) otherSubnets.set(mine, (texts = new Map()));
  let text = texts.get(theirs.subnet);
  if (text === undefined)
    texts.set(theirs.subnet, (text = `the peer is in cloud subnet ${theirs.subnet}, this host in ${mine.subnet}`));
  return text;
}

/**
 * In a cloud what looks like one link may be many. One AWS subnet is one: packets to another interface's MAC address are delivered to it without a look at
 * any route table (https://docs.aws.amazon.com/vpc/latest/userguide/gateway-route-tables.html). GCE has no layer 2 at all.
 */
function cloudsApart({ cloud }: Self, theirs: FabricIdentity | undefined): string | undefined {
  const mine = cloud?.identity;
  if (mine === undefined && theirs === undefined) return undefined;
  if (mine === undefined || theirs === undefined)
    return `${mine === undefined ? 'the peer' : 'this host'} is in cloud subnet ${(mine ?? theirs)?.subnet}, ${mine === undefined ? 'this host' : 'the peer'} is not`;
  if (mine.provider !== theirs.provider || mine.network !== theirs.network || mine.subnet !== theirs.subnet)
    return otherSubnet(mine, theirs);
  return mine.provider === 'aws' ? undefined : `${mine.provider} has no layer 2 that hosts share`;
}

function isOnLink({ onLink }: Uplink, address: Address): boolean {
  for (const range of onLink) if (contains(range, address)) return true;
  return false;
}

const offLinks = new WeakMap<Uplink, string>();

function offLink(uplink: Uplink): string {
  let text = offLinks.get(uplink);
  if (text === undefined)
    offLinks.set(uplink, (text = `is not on the link of ${uplink.link} (${uplink.onLink.join(', ') || 'no ranges'})`));
  return text;
}

export const direct: Datapath = {
  name: 'direct',
  overheadBytes: 0,

  judge(self, peer) {
    const { publicIP, weft, backendType } = peer.attributes;
    const { uplink } = self;
    const apart = cloudsApart(self, weft?.fabric);
    if (apart !== undefined) return unusable(apart);
    if (uplink.publicIP !== uplink.address)
      return unusable(
        `this host is behind a NAT: it advertises ${uplink.publicIP}, its own address is ${uplink.address}`,
      );
    if (!isOnLink(uplink, publicIP)) return unusable(`${publicIP} ${offLink(uplink)}`);
    if (weft === undefined && !plainPeerTakesBare(self, peer))
      return unusable(`the peer advertises ${backendType ?? 'udp'} alone, without Weft`);
    return usable;
  },

  device: () => undefined,
  receive: () => [],
  advert: () => ({}),

  send: (self, peer, metric) => [
    {
      kind: 'route',
      destination: peer.subnet.v4,
      link: self.uplink.link,
      via: peer.attributes.publicIP,
      onlink: false,
      source: self.base,
      mtuBytes: routeMtu(self, peer, 0),
      metric,
    },
  ],

  leads: ({ uplink }, peer, { link, via }) => link === uplink.link && via === peer.attributes.publicIP,

  mark: () => undefined,
};
