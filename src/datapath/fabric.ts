/**
 * fabric: the cloud's own routes carry the packets, as they are. This host hands them to its subnet's gateway; the route table that its subnet uses
 * leads them to the peer's interface.
 *
 *   container -> this host -> uplink ─► gateway ═ route table ═► peer's interface -> peer -> container
 *
 * Whether the table carries a peer is told by the ledger, which the peer, or the reconciler, writes. That a route stands is no proof that packets
 * arrive: the prober judges that.
 */
import type { FabricIdentity, Lease } from '../core/lease.ts';
import { unusable, usable, type CloudFacts, type Datapath, type Self } from './datapath.ts';
import { routeMtu } from './mtu.ts';

function carried({ table, trouble, rows }: CloudFacts, peer: Lease, target: string): string | undefined {
  const destination = peer.subnet.v4;
  if (table === undefined) return trouble ?? "which route table this host's subnet uses is not known yet";
  const row = rows.get(destination);
  if (row === undefined) return trouble ?? `there is no route to ${destination} in ${table} yet`;
  // Of a lease that is not believed no target is written down.
  if (row.state === 'refused' && row.epoch === peer.epoch && row.why !== undefined) return row.why;
  if (row.epoch < peer.epoch || (row.target !== target && row.epoch === peer.epoch))
    return `the route to ${destination} in ${table} is still that of an owner or interface before (${row.target})`;
  if (row.epoch > peer.epoch || row.target !== target)
    return `the route to ${destination} in ${table} leads to a newer owner (${row.target})`;
  if (row.state === 'refused') return row.why ?? `there is no route to ${destination} in ${table}`;
  return row.state === 'intent' ? `the route to ${destination} is being written into ${table}` : undefined;
}

/** What is said of each peer of my subnet, and the same of thousands. */
const sameSubnets = new WeakMap<FabricIdentity, string>();

function sameSubnet(mine: FabricIdentity): string {
  let text = sameSubnets.get(mine);
  if (text === undefined)
    sameSubnets.set(
      mine,
      (text = `the peer is in the same subnet ${mine.subnet}, where it is reached without a route`),
    );
  return text;
}

export const fabric: Datapath = {
  name: 'fabric',
  overheadBytes: 0,

  judge(self, peer) {
    const { cloud, uplink } = self;
    const theirs = peer.attributes.weft?.fabric;
    if (cloud === undefined) return unusable('this host is in no cloud whose routes are programmed');
    if (theirs === undefined) return unusable('the peer advertises no cloud');
    const mine = cloud.identity;
    // Not even a peered network carries ranges that neither side has.
    if (mine.provider !== theirs.provider || mine.network !== theirs.network)
      return unusable(
        `the peer is in ${theirs.network} (${theirs.provider}), this host in ${mine.network} (${mine.provider})`,
      );
    if (mine.subnet === theirs.subnet && mine.provider === 'aws' && self.config.paths.includes('direct'))
      return unusable(sameSubnet(mine));
    if (uplink.gateway === undefined) return unusable(`${uplink.link} has no gateway to hand packets to`);
    const why = carried(cloud, peer, theirs.target);
    return why === undefined ? usable : unusable(why);
  },

  device: () => undefined,
  receive: () => [],
  advert: () => ({}),

  send: (self: Self, peer: Lease, metric) =>
    self.uplink.gateway === undefined
      ? []
      : [
          {
            kind: 'route',
            destination: peer.subnet.v4,
            link: self.uplink.link,
            via: self.uplink.gateway,
            onlink: false,
            source: self.base,
            mtuBytes: routeMtu(self, peer, 0),
            metric,
          },
        ],

  leads: ({ uplink }, _peer, { link, via }) => via !== undefined && link === uplink.link && via === uplink.gateway,

  mark: () => undefined,
};
