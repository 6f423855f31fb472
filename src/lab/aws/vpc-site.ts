/** A site of the lab as a VPC: what a topology says of it, and the account that this makes. */
import type { Site, Topology } from '../topology.ts';
import type { GroupPlan, TablePlan, VpcPlan } from './account.ts';

export interface VpcSite {
  readonly region: string;
  readonly ranges: readonly string[];
  /** The first is the main one. */
  readonly tables: readonly TablePlan[];
  /** By the name of the segment; without a table the main one serves it. */
  readonly subnets: Readonly<Record<string, { readonly zone: string; readonly table?: string }>>;
  readonly groups: readonly SiteGroup[];
  readonly role: string;
}

export interface SiteGroup extends GroupPlan {
  /** Names of those that are in it; undefined: all. */
  readonly hosts?: readonly string[];
}

/** The reconciler believes machines alone that carry it. */
const NODE_TAGS = { 'weft:node': 'default' };

/** Each host in the site's segments is an instance with one interface. */
export function vpcPlanOf(topology: Topology, site: Site, vpc: VpcSite): VpcPlan {
  const { ranges, tables, groups, role } = vpc;
  const hosts = topology.hosts.filter(({ segment }) => site.segments.some(({ name }) => name === segment));
  return {
    name: site.name,
    ranges,
    tables,
    subnets: site.segments.map(({ name, range }) => {
      const subnet = vpc.subnets[name];
      if (subnet === undefined) throw new Error(`the VPC ${site.name} says nothing of its segment ${name}`);
      return { name, range, ...subnet };
    }),
    groups,
    instances: hosts.map(({ name, segment, address }) => ({
      name,
      subnet: segment,
      address,
      groups: groups.flatMap((group) => (group.hosts?.includes(name) === false ? [] : group.name)),
      role,
      tags: NODE_TAGS,
    })),
  };
}
