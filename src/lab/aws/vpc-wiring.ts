/** Which device of the VPC's namespace stands for which thing of the account. */
import type { Address } from '../../core/address.ts';
import { endsOf } from '../joins.ts';
import { machinesOf, siteOf, type Site, type Topology } from '../topology.ts';
import { bridgeOf, portOf } from '../world.ts';
import { planned } from './account.ts';

export interface VpcWiring {
  readonly namespace: string;
  readonly vpc: string;
  /** Bridges, by subnet id. */
  readonly bridges: ReadonlyMap<string, string>;
  /** Bridge ports, by the address of the interface at their end: another interface in its place has the same. */
  readonly ports: ReadonlyMap<Address, string>;
  /** Where packets for an internet gateway go. */
  readonly way: { readonly via: Address; readonly device: string } | undefined;
}

export function wiringOf(topology: Topology, site: Site): VpcWiring {
  const [end] = endsOf(topology, site);
  return {
    namespace: site.name,
    vpc: planned.vpc(site.name),
    bridges: new Map(site.segments.map((segment) => [planned.subnet(segment.name), bridgeOf(segment)])),
    ports: new Map(
      machinesOf(topology)
        .filter((machine) => siteOf(topology, machine) === site)
        .map((machine) => [machine.address, portOf(machine)]),
    ),
    way: end === undefined ? undefined : { via: end.far, device: end.device },
  };
}
