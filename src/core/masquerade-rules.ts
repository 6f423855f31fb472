/**
 * Whose packets get this host's address as their source, as flannel has it (pkg/trafficmngr/iptables since v0.20). The rules are data: each program of the
 * packet filter says them in its own words, and what stands there is read back into them.
 *
 *   source       destination            what becomes of it
 *   marked by kube-proxy                returned: it is masqueraded by kube-proxy, and not twice
 *   own subnet   Network                returned: containers see each other's addresses
 *   Network      own subnet             returned
 *   elsewhere    own subnet             returned: a published port shows its clients (NodePort, say)
 *   Network      all but multicast      masqueraded: out of the Network
 *   elsewhere    Network                masqueraded: a socket bound to an address of the host, and whom this host forwards for
 */
import type { Subnet } from './subnet.ts';
import { parseSubnet } from './subnet.ts';

/** As an entry of the host. Of one daemon: two on one host masquerade for two Networks. */
export interface Masquerade {
  readonly kind: 'masquerade';
  /** `Instance.id` of the daemon. */
  readonly instance: string;
  /** Undefined when seen: rules of that daemon stand, and another hand has changed them. */
  readonly network: Subnet | undefined;
  /** This host's own. */
  readonly subnet: Subnet | undefined;
  /** With source ports at random (NF_NAT_RANGE_PROTO_RANDOM_FULLY), against two connections that take one port in the same moment. */
  readonly fullyRandom: boolean;
}

export interface AddressMatch {
  readonly range: Subnet;
  /** Any other address. */
  readonly not: boolean;
}

export interface MasqueradeRule {
  /** Bits of the packet's mark. */
  readonly mark?: { readonly value: number; readonly mask: number };
  readonly source?: AddressMatch;
  readonly destination?: AddressMatch;
  readonly does: 'return' | 'masquerade';
}

/** As it stands somewhere. */
export interface SeenRule extends MasqueradeRule {
  readonly fullyRandom: boolean;
}

/** kube-proxy's --iptables-masquerade-bit, 14 by default: one bit of a mark that others use the rest of. */
export const KUBE_MARK = 0x4000;

export const MULTICAST: Subnet = parseSubnet('224.0.0.0/4');

const of = (range: Subnet): AddressMatch => ({ range, not: false });
const notOf = (range: Subnet): AddressMatch => ({ range, not: true });

/** In the order in which they count. */
export const masqueradeRules = (network: Subnet, subnet: Subnet): readonly MasqueradeRule[] => [
  { mark: { value: KUBE_MARK, mask: KUBE_MARK }, does: 'return' },
  { source: of(subnet), destination: of(network), does: 'return' },
  { source: of(network), destination: of(subnet), does: 'return' },
  { source: notOf(network), destination: of(subnet), does: 'return' },
  { source: of(network), destination: notOf(MULTICAST), does: 'masquerade' },
  { source: notOf(network), destination: of(network), does: 'masquerade' },
];

/** Of which Network and subnet these are the rules, in order and complete; undefined when they are none of ours. `undefined` is a rule that cannot be read. */
export function readMasquerade(
  rules: readonly (SeenRule | undefined)[],
): { readonly network: Subnet; readonly subnet: Subnet; readonly fullyRandom: boolean } | undefined {
  const network = rules[1]?.destination?.range;
  const subnet = rules[1]?.source?.range;
  if (network === undefined || subnet === undefined) return undefined;
  const fullyRandom = rules.some((rule) => rule?.fullyRandom === true);
  const wanted = masqueradeRules(network, subnet);
  const same = (rule: SeenRule | undefined, i: number): boolean =>
    rule !== undefined &&
    wordsOf(rule) === wordsOf(wanted[i]) &&
    rule.fullyRandom === (fullyRandom && rule.does === 'masquerade');
  return rules.length === wanted.length && rules.every(same) ? { network, subnet, fullyRandom } : undefined;
}

const matchWords = (match: AddressMatch | undefined): string =>
  match === undefined ? 'any' : `${match.not ? 'not ' : ''}${match.range}`;

function wordsOf(rule: MasqueradeRule | undefined): string {
  if (rule === undefined) return '';
  const { mark, source, destination, does } = rule;
  return `${mark === undefined ? '' : `${mark.value}/${mark.mask} `}${matchWords(source)} to ${matchWords(destination)} ${does}`;
}

export function describeMasquerade({ instance, network, subnet, fullyRandom }: Masquerade): string {
  if (network === undefined || subnet === undefined) return `masquerade of ${instance}, changed by another hand`;
  return `masquerade ${network} own ${subnet}${fullyRandom ? ' fully-random' : ''}`;
}
