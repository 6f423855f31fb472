/**
 * What stands in a lab, as a value.
 *
 *        host  host          host  host        machines: a namespace each, with one uplink `eth0`
 *         │     │             │     │
 *   ══════╧═════╧══════  ═════╧═════╧══════    segments: a bridge each, one layer 2
 *             │                   │
 *             └─────── site ──────┘            site: the namespace that holds the bridges and routes between them
 *
 * Machines know only their gateway. Other kinds of site (a VPC whose segments choose among route tables, say) are other ways to
 * fill the same namespace.
 */
import type { Address } from '../core/address.ts';
import { firstHostOf, type Subnet } from '../core/subnet.ts';

export interface Segment {
  readonly name: string;
  readonly title: string;
  /** Its first address is the site's own, the machines' gateway. */
  readonly range: Subnet;
}

export interface Site {
  readonly name: string;
  readonly segments: readonly Segment[];
}

export interface Machine {
  readonly name: string;
  readonly segment: string;
  readonly address: Address;
}

/** A machine that runs weftd. */
export interface HostPlan extends Machine {
  readonly node: string;
  /** True: it is not there at first. */
  readonly joinsLater?: boolean;
}

export interface StorePlan extends Machine {
  readonly title: string;
  readonly port: number;
}

export interface Topology {
  readonly sites: readonly Site[];
  readonly hosts: readonly HostPlan[];
  readonly store: StorePlan;
}

export const gatewayOf = (segment: Segment): Address => firstHostOf(segment.range);

export const machinesOf = (topology: Topology): readonly Machine[] => [...topology.hosts, topology.store];

export function segmentOf(topology: Topology, machine: Machine): Segment {
  for (const site of topology.sites) {
    for (const segment of site.segments) if (segment.name === machine.segment) return segment;
  }
  throw new Error(`${machine.name} stands in segment ${machine.segment}, which the topology does not have`);
}
