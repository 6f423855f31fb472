/** The first-light lab: two layer-2 segments with two hosts each, and the store in a segment of its own. */
import { parseAddress } from '../core/address.ts';
import { parseSubnet } from '../core/subnet.ts';
import type { HostPlan, Topology } from './topology.ts';

const host = (name: string, segment: string, address: string): HostPlan => ({
  name,
  node: `node-${name}`,
  segment,
  address: parseAddress(address),
});

export const twoSegments: Topology = {
  sites: [
    {
      name: 'router',
      segments: [
        { name: 'a', title: 'segment A', range: parseSubnet('172.30.1.0/24') },
        { name: 'b', title: 'segment B', range: parseSubnet('172.30.2.0/24') },
        { name: 's', title: 'services', range: parseSubnet('172.30.9.0/24') },
      ],
    },
  ],
  hosts: [
    host('a1', 'a', '172.30.1.11'),
    host('a2', 'a', '172.30.1.12'),
    host('b1', 'b', '172.30.2.11'),
    { ...host('b2', 'b', '172.30.2.12'), joinsLater: true },
  ],
  store: { name: 'store', segment: 's', address: parseAddress('172.30.9.10') },
};
