/** Cables between sites, and who finds whom over them. */
import { offset, type Address } from '../core/address.ts';
import { baseOf, prefixLengthOf } from '../core/subnet.ts';
import type { Join, Site, Topology } from './topology.ts';

/** A site's end of a join. */
interface End {
  readonly device: string;
  readonly own: Address;
  readonly far: Address;
  readonly farSite: Site;
  readonly prefixLength: number;
}

export const joinDevice = (farSite: string): string => `to-${farSite}`;

/** `ip` commands that lay the cables. */
export function joinCables({ joins = [] }: Topology): readonly string[] {
  return joins.map(
    ({ sites: [a, b] }) => `link add ${joinDevice(b)} netns ${a} type veth peer name ${joinDevice(a)} netns ${b}`,
  );
}

/** `ip` commands that address and raise a site's ends, and its routes over them. */
export function joinLines(topology: Topology, site: Site): readonly string[] {
  const ends = endsOf(topology, site);
  const raise = ends.flatMap(({ device, own, prefixLength }) => [
    `link set ${device} addrgenmode none`,
    `address add ${own}/${prefixLength} dev ${device}`,
    `link set ${device} up`,
  ]);
  const routes = ends.flatMap(({ device, far, farSite }) => {
    const ranges = ends.length === 1 ? ['default'] : farSite.segments.map(({ range }) => range);
    return ranges.map((range) => `route add ${range} via ${far} dev ${device}`);
  });
  return [...raise, ...routes];
}

export function endsOf(topology: Topology, site: Site): readonly End[] {
  return (topology.joins ?? []).flatMap((join) => {
    const index = join.sites.indexOf(site.name);
    const farSite = topology.sites.find(({ name }) => name === join.sites[1 - index]);
    if (index < 0 || farSite === undefined) return [];
    const device = joinDevice(farSite.name);
    const prefixLength = prefixLengthOf(join.range);
    return [{ device, own: endOf(join, index), far: endOf(join, 1 - index), farSite, prefixLength }];
  });
}

const endOf = (join: Join, index: number): Address => offset(baseOf(join.range), 1 + index);
