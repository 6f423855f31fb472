/** A cluster of any size as values: leases of peers, half of them on this host's layer 2. */
import { parseAddress, addressFrom, addressValue } from '../../src/core/address.ts';
import type { LedgerRow } from '../../src/core/cloud-route.ts';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import type { FabricIdentity, Lease, LeaseAttributes, LeaseKey } from '../../src/core/lease.ts';
import { macFrom } from '../../src/core/mac.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { baseOf, parseSubnet, subnetOf, type Subnet } from '../../src/core/subnet.ts';
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

/** As `Weft` without a list has them, in a cloud. */
const CLOUD_CONFIG_TEXT = JSON.stringify({ Network: '10.0.0.0/8', SubnetLen: 24, Weft: {} });

/** What node number `index` says in its lease. */
export function attributesOf(index: number, fabric?: FabricIdentity): LeaseAttributes {
  const node = parseNodeId(`node-${index}`);
  return {
    publicIP: at(index % 2 === 0 ? SEGMENT : ELSEWHERE, 1000 + index),
    weft: {
      node,
      incarnation: 1,
      mtuBytes: 1500,
      vxlan: { vni: 1, mac: macFrom(node), port: 8472 },
      ...(fabric === undefined ? {} : { fabric }),
    },
  };
}

export const subnetNumber = (index: number) => subnetOf(addressFrom(FIRST_SUBNET + BigInt(index * 256), 4), 24);

export function leaseNumber(index: number, fabric?: FabricIdentity): Lease {
  const subnet = { v4: subnetNumber(index) };
  return {
    key: leaseKeyOf(subnet),
    subnet,
    attributes: attributesOf(index, fabric),
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
    firewall: { instance: '00000001', masquerade: 'off', acceptForwarded: true },
  };
  return { self, leases: new Map(leases.map((lease) => [lease.key, lease])) };
}

/** The same nodes in one VPC with two subnets and a route table for each: half are in this host's, the others are carried by its table. */
export function vpcOf(peers: number): { readonly self: Self; readonly leases: ReadonlyMap<LeaseKey, Lease> } {
  const { self } = clusterOf(0);
  const table = 'rtb-here';
  const placed = Array.from({ length: peers + 1 }, (_, index) => {
    const subnet = index % 2 === 0 ? 'subnet-here' : 'subnet-there';
    const fabric: FabricIdentity = { provider: 'aws', network: 'vpc-1', subnet, target: `eni-${index}` };
    return { lease: leaseNumber(index, fabric), fabric };
  });
  const [own, ...others] = placed;
  if (own === undefined) throw new Error('a cluster has at least one node');
  const rows = new Map<Subnet, LedgerRow>();
  for (const { lease, fabric } of others) {
    const { subnet, epoch, attributes } = lease;
    const node = attributes.weft?.node;
    if (fabric.subnet === own.fabric.subnet || node === undefined) continue;
    const row = { table, destination: subnet.v4, target: fabric.target, epoch, node, generation: 0 };
    rows.set(subnet.v4, { ...row, state: 'committed' });
  }
  return {
    self: {
      ...self,
      lease: own.lease,
      config: parseNetworkConfig(CLOUD_CONFIG_TEXT),
      uplink: { ...self.uplink, gateway: parseAddress('172.16.0.1') },
      cloud: { identity: own.fabric, table, trouble: undefined, rows },
    },
    leases: new Map(placed.map(({ lease }) => [lease.key, lease])),
  };
}
