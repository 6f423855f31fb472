/** Six instances in the VPC of the cloud lab, two in subnet A and four in subnet B; b1 has a security group of its own. */
import { cloudAndOffice, CONTAINERS, instance } from '../../src/lab/cloud-and-office.ts';
import type { Topology } from '../../src/lab/topology.ts';

export const VPC_RANGE = '10.0.0.0/16';
/** The group of b1 alone. */
export const OWN_GROUP = 'guarded';

const shared = ['a1', 'a2', 'b2', 'b3', 'b4'];
const ingress = [VPC_RANGE, CONTAINERS].map((peer) => ({ peer }));

export const sixInACloud: Topology = {
  ...cloudAndOffice,
  sites: cloudAndOffice.sites.map((site) =>
    site.vpc === undefined
      ? site
      : {
          ...site,
          vpc: {
            ...site.vpc,
            groups: [
              { name: 'nodes', hosts: shared, ingress },
              { name: OWN_GROUP, hosts: ['b1'], ingress },
            ],
          },
        },
  ),
  hosts: [
    instance('a1', 'a', '10.0.1.11'),
    instance('a2', 'a', '10.0.1.12'),
    instance('b1', 'b', '10.0.2.11'),
    instance('b2', 'b', '10.0.2.12'),
    instance('b3', 'b', '10.0.2.13'),
    instance('b4', 'b', '10.0.2.14'),
  ],
};
