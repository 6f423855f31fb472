/** The cloud lab without its office: what happens among instances of one VPC alone. */
import { cloudAndOffice, instance } from './cloud-and-office.ts';
import type { Topology } from './topology.ts';

/** @param a how many hosts stand in subnet A: a1, a2, ... */
export function oneVpc({ a, b }: { readonly a: number; readonly b: number }): Topology {
  const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);
  return {
    ...cloudAndOffice,
    sites: cloudAndOffice.sites.filter(({ name }) => name !== 'office'),
    joins: (cloudAndOffice.joins ?? []).filter(({ sites }) => !sites.includes('office')),
    hosts: [
      ...numbers(a).map((number) => instance(`a${number}`, 'a', `10.0.1.${10 + number}`)),
      ...numbers(b).map((number) => instance(`b${number}`, 'b', `10.0.2.${10 + number}`)),
    ],
  };
}

/** Two hosts in each subnet, and b3, which is not there at first. */
export function oneVpcAndOneMore(): Topology {
  const world = oneVpc({ a: 2, b: 2 });
  return { ...world, hosts: [...world.hosts, { ...instance('b3', 'b', '10.0.2.13'), joinsLater: true }] };
}
