/**
 * Which leases get cloud routes. Whoever may write the store can write any lease: the reconciler writes in the name of one only when the cloud itself says
 * that the machine it names is there, is one of ours and has that interface. So a node may at worst steer what belongs to itself.
 */
import type { FabricIdentity, Lease } from './lease.ts';
import type { FamilyRange } from './network-config.ts';
import { contains, prefixLengthOf, type Subnet } from './subnet.ts';

/** What the cloud says of an interface; it has no other when it is attached to nothing. */
export interface SeenInterface {
  readonly instance: string | undefined;
  readonly network: string;
  readonly subnet: string;
}

export interface SeenInstance {
  readonly state: string;
  readonly tags: ReadonlyMap<string, string>;
}

export interface BeliefFacts {
  readonly range: FamilyRange;
  readonly provider: string;
  /** Those whose tables are kept. */
  readonly networks: readonly string[];
  /** `key` or `key=value`; undefined: any instance may. */
  readonly nodeTag: string | undefined;
  readonly interfaces: ReadonlyMap<string, SeenInterface>;
  readonly instances: ReadonlyMap<string, SeenInstance>;
  /** Why each machine that is on its way out leaves. */
  readonly leaving: ReadonlyMap<string, string>;
}

export interface DoubtedLease {
  readonly lease: Lease;
  readonly why: string;
}

export interface Belief {
  readonly believed: readonly Lease[];
  readonly doubted: readonly DoubtedLease[];
}

const ALIVE: ReadonlySet<string> = new Set(['pending', 'running']);

/** A lease that names no interface asks for nothing, and is neither. */
export function believe(leases: readonly Lease[], facts: BeliefFacts): Belief {
  const believed: Lease[] = [];
  const doubted: DoubtedLease[] = [];
  const plausible: Lease[] = [];
  for (const lease of leases) {
    const fabric = lease.attributes.weft?.fabric;
    if (fabric === undefined) continue;
    const why = doubtOf(lease, fabric, facts);
    if (why === undefined) plausible.push(lease);
    else doubted.push({ lease, why });
  }
  const ofNodes = firstOf(plausible, nodeOf);
  const ofSubnets = firstOf(plausible, subnetOf);
  for (const lease of plausible) {
    const own = ofNodes.get(nodeOf(lease)) ?? lease;
    const owner = ofSubnets.get(subnetOf(lease)) ?? lease;
    if (own.key !== lease.key) doubted.push({ lease, why: `instance ${nodeOf(lease)} has ${subnetOf(own)} already` });
    else if (owner.key !== lease.key)
      doubted.push({ lease, why: `${subnetOf(lease)} is leased to ${nodeOf(owner)} already` });
    else believed.push(lease);
  }
  return { believed, doubted };
}

/** Has it the form of a subnet that is leased here? */
export const isSubnetOf = ({ network, subnetLength }: FamilyRange, subnet: Subnet): boolean =>
  prefixLengthOf(subnet) === subnetLength && contains(network, subnet);

/** Why this lease gets no route; undefined: nothing speaks against it. */
function doubtOf(
  lease: Lease,
  { provider, network, subnet, target }: FabricIdentity,
  { range, provider: here, networks, nodeTag, interfaces, instances, leaving }: BeliefFacts,
): string | undefined {
  const { v4 } = lease.subnet;
  if (!isSubnetOf(range, v4)) return `${v4} is no /${range.subnetLength} of Network ${range.network}`;
  if (provider !== here) return `tables of ${provider} are not kept here`;
  if (!networks.includes(network)) return `tables of ${network} are not kept here`;
  const node = lease.attributes.weft?.node ?? '';
  const found = interfaces.get(target);
  if (found === undefined) return `the cloud knows no interface ${target}`;
  if (found.network !== network) return `interface ${target} is in ${found.network}, and not in ${network}`;
  if (found.subnet !== subnet) return `interface ${target} is in ${found.subnet}, and not in ${subnet}`;
  if (found.instance !== node)
    return found.instance === undefined
      ? `interface ${target} is attached to nothing`
      : `interface ${target} belongs to ${found.instance}, and not to ${node}`;
  const instance = instances.get(node);
  if (instance === undefined || !ALIVE.has(instance.state))
    return `instance ${node} is ${instance?.state ?? 'unknown'}`;
  if (nodeTag !== undefined && !carries(instance.tags, nodeTag))
    return `instance ${node} does not carry tag ${nodeTag}`;
  const why = leaving.get(node);
  return why === undefined ? undefined : `instance ${node} is leaving: ${why}`;
}

/**
 * Of the leases that may be believed, and not of others that only say so, the one that stood first. A machine has one subnet, and gets no other's traffic by
 * writing its name into that lease; a subnet is one machine's, and is not taken by a lease beside the one that stands (a key with another IPv6 subnet).
 */
function firstOf(leases: readonly Lease[], nameOf: (lease: Lease) => string): ReadonlyMap<string, Lease> {
  const first = new Map<string, Lease>();
  for (const lease of leases) {
    const other = first.get(nameOf(lease));
    if (other === undefined || lease.epoch < other.epoch) first.set(nameOf(lease), lease);
  }
  return first;
}

const nodeOf = ({ attributes }: Lease): string => attributes.weft?.node ?? '';
const subnetOf = ({ subnet }: Lease): string => subnet.v4;

function carries(tags: ReadonlyMap<string, string>, wanted: string): boolean {
  const [key = '', ...value] = wanted.split('=');
  return value.length === 0 ? tags.has(key) : tags.get(key) === value.join('=');
}
