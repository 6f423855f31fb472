/**
 * What stands in a lab, as a value.
 *
 *        host  host          host  host        machines: a namespace each, with one uplink `eth0`
 *         │     │             │     │
 *   ══════╧═════╧══════  ═════╧═════╧══════    segments: a bridge each, one layer 2
 *             │                   │
 *             └─────── site ──────┘            site: the namespace that holds the bridges and routes between them
 *                        │
 *   ═════════════════ site ════════════        join: a cable between two sites
 *
 * Machines know only their gateway. A site with `vpc` is one whose segments are subnets of an emulated AWS (aws/): it routes by that
 * account's route tables.
 */
import type { Address } from '../core/address.ts';
import type { VpcSite } from './aws/vpc-site.ts';
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
  /** Of all its cables but the joins, which have 1500. */
  readonly mtuBytes?: number;
  readonly vpc?: VpcSite;
}

/** A cable between two sites; each end has an address of the range, in this order. */
export interface Join {
  readonly sites: readonly [string, string];
  readonly range: Subnet;
}

export interface Machine {
  readonly name: string;
  readonly segment: string;
  readonly address: Address;
  /** Undefined: the kernel's choice. */
  readonly mac?: string;
}

/** A machine that runs weftd. */
export interface HostPlan extends Machine {
  readonly node: string;
  /** True: it is not there at first. */
  readonly joinsLater?: boolean;
}

/** What it runs is chosen when the lab starts. */
export type StorePlan = Machine;

export interface Topology {
  readonly sites: readonly Site[];
  /** A site with one join sends there all that is not its own; one with several knows the segments at their far ends. */
  readonly joins?: readonly Join[];
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

export function siteOf(topology: Topology, machine: Machine): Site {
  const site = topology.sites.find(({ segments }) => segments.some(({ name }) => name === machine.segment));
  if (site === undefined) throw new Error(`no site has segment ${machine.segment} of ${machine.name}`);
  return site;
}
