/** What our lease says: to plain flanneld what Backend.Type asks for (FLANNEL.md 2.2), to Weft the paths that we receive on. */
import type { Advert, LeaseAttributes } from '../core/lease.ts';
import { vxlanData } from '../core/lease-value.ts';
import type { NodeId } from '../core/node-id.ts';
import type { PathName } from '../core/path.ts';
import type { Receiver } from '../datapath/datapath.ts';
import { datapathsOf } from '../datapath/paths.ts';

export interface Offer extends Receiver {
  readonly node: NodeId;
  readonly incarnation: number;
  /** Paths whose receive side stands. */
  readonly receives: readonly PathName[];
  /** Undefined: this host answers no probes. */
  readonly probe: Advert['probe'];
}

/** flannel's types that name themselves in a lease. udp, alloc and the clouds' say nothing, which flanneld reads as udp. */
function flannelPart({ config, vtepMac, extensionData }: Offer): Pick<LeaseAttributes, 'backendType' | 'backendData'> {
  switch (config.backendType) {
    case 'vxlan':
      return { backendType: 'vxlan', backendData: vxlanData(config.vxlan.vni, vtepMac) };
    case 'host-gw':
      return { backendType: 'host-gw' };
    case 'extension':
      return { backendType: 'extension', ...(extensionData === undefined ? {} : { backendData: extensionData }) };
    default:
      return {};
  }
}

export function leaseAttributes(offer: Offer): LeaseAttributes {
  const { config, uplink, node, incarnation, receives, cloud, probe } = offer;
  const paths = datapathsOf(config.paths.filter((path) => receives.includes(path)));
  // Where a node stands in its cloud is true whatever its paths: peers judge the size of packets by it, and writers of routes find its interface.
  const place =
    cloud === undefined ? {} : { fabric: cloud.identity, ...(cloud.table === undefined ? {} : { table: cloud.table }) };
  const start: Advert = {
    node,
    incarnation,
    mtuBytes: uplink.mtuBytes,
    ...place,
    ...(probe === undefined ? {} : { probe }),
  };
  const weft = paths.reduce((advert, path) => ({ ...advert, ...path.advert(offer) }), start);
  return { publicIP: uplink.publicIP, ...flannelPart(offer), weft };
}
