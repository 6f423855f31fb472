/** A cluster of any size as values: leases of peers, half of them on this host's layer 2. */
import { parseAddress, addressFrom, addressValue } from '../../src/core/address.ts';
import { numbersOf } from '../../src/core/instance.ts';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import type { Lease, LeaseAttributes, LeaseKey } from '../../src/core/lease.ts';
import { macFrom } from '../../src/core/mac.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { baseOf, parseSubnet, subnetOf } from '../../src/core/subnet.ts';
import type { Self } from '../../src/datapath/datapath.ts';

export const CONFIG_TEXT = JSON.stringify({
  Network: '10.0.0.0/8',
  SubnetLen: 24,
  Weft: { Paths: ['direct', 'vxlan'] },
});

const SEGMENT = parseSubnet('172.16.0.0/16');
const ELSEWHERE = parseSubnet('172.17.0.0/16');
const FIRST_SUBNET = addressValue(parseAddress('10.64.0.0'));

const at = (range: typeof SEGMENT, index: number) => addressFrom(addressValue(baseOf(range)) + BigInt(index), 4);

/** What node number `index` says in its lease. */
export function attributesOf(index: number): LeaseAttributes {
  const node = parseNodeId(`node-${index}`);
  return {
    publicIP: at(index % 2 === 0 ? SEGMENT : ELSEWHERE, 1000 + index),
    weft: { node, incarnation: 1, mtuBytes: 1500, vxlan: { vni: 1, mac: macFrom(node), port: 8472 } },
  };
}

export const subnetNumber = (index: number) => subnetOf(addressFrom(FIRST_SUBNET + BigInt(index * 256), 4), 24);

export function leaseNumber(index: number): Lease {
  const subnet = { v4: subnetNumber(index) };
  return {
    key: leaseKeyOf(subnet),
    subnet,
    attributes: attributesOf(index),
    epoch: index + 1,
    version: `${index + 1}.0`,
  };
}

/** Node 0 is this host; the others are its peers. */
export function clusterOf(peers: number): { readonly self: Self; readonly leases: ReadonlyMap<LeaseKey, Lease> } {
  const leases = Array.from({ length: peers + 1 }, (_, index) => leaseNumber(index));
  const [own] = leases;
  if (own === undefined) throw new Error('a cluster has at least one node');
  const address = at(SEGMENT, 1000);
  const self: Self = {
    lease: own,
    base: baseOf(own.subnet.v4),
    config: parseNetworkConfig(CONFIG_TEXT),
    uplink: { link: 'eth0', address, publicIP: address, mtuBytes: 1500, mac: undefined, onLink: [SEGMENT] },
    vtepMac: macFrom('node-0'),
    numbers: numbersOf(0),
  };
  return { self, leases: new Map(leases.map((lease) => [lease.key, lease])) };
}
