/**
 * The cloud lab: a VPC with two subnets that have two route tables, an on-prem host behind a router of its own, and between them an internet that
 * also has the store and the cloud's API.
 *
 *   a1  a2      b1                      o1
 *   ═╧═══╧═    ═╧═                     ═╧═
 *     └── vpc ──┘ ──── internet ──── office
 *                       ═╧═
 *                      store
 */
import { parseAddress } from '../core/address.ts';
import { parseSubnet } from '../core/subnet.ts';
import { macOf, planned } from './aws/account.ts';
import type { HostPlan, Topology } from './topology.ts';

/** The overlay's Network: what its containers use must be let in as well. */
export const CONTAINERS = '10.42.0.0/16';

/** Its node id is its instance id. */
export const instance = (name: string, segment: string, address: string): HostPlan => {
  const parsed = parseAddress(address);
  return { name, node: planned.instance(name), segment, address: parsed, mac: macOf(parsed) };
};

export const cloudAndOffice: Topology = {
  sites: [
    {
      name: 'vpc',
      segments: [
        { name: 'a', title: 'subnet A', range: parseSubnet('10.0.1.0/24') },
        { name: 'b', title: 'subnet B', range: parseSubnet('10.0.2.0/24') },
      ],
      // Between instances of a VPC (EC2 user guide, "Network MTU").
      mtuBytes: 9001,
      vpc: {
        region: 'eu-central-1',
        ranges: ['10.0.0.0/16'],
        tables: [
          { name: 'main' },
          { name: 'table-a', internet: 'igw' },
          { name: 'table-b', internet: 'igw' },
          { name: 'edge', edgeOf: 'igw' },
        ],
        subnets: { a: { zone: 'eu-central-1a', table: 'table-a' }, b: { zone: 'eu-central-1b', table: 'table-b' } },
        groups: [{ name: 'nodes', ingress: [{ peer: 'nodes' }, { peer: CONTAINERS }, { peer: '192.168.50.0/24' }] }],
        role: 'weft-node',
      },
    },
    { name: 'office', segments: [{ name: 'o', title: 'office', range: parseSubnet('192.168.50.0/24') }] },
    { name: 'internet', segments: [{ name: 's', title: 'services', range: parseSubnet('172.30.9.0/24') }] },
  ],
  joins: [
    { sites: ['vpc', 'internet'], range: parseSubnet('172.30.8.0/30') },
    { sites: ['office', 'internet'], range: parseSubnet('172.30.8.4/30') },
  ],
  hosts: [
    instance('a1', 'a', '10.0.1.11'),
    instance('a2', 'a', '10.0.1.12'),
    instance('b1', 'b', '10.0.2.11'),
    { name: 'o1', node: 'node-o1', segment: 'o', address: parseAddress('192.168.50.11') },
  ],
  store: { name: 'store', segment: 's', address: parseAddress('172.30.9.10') },
};
