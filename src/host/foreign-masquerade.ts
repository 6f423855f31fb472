/**
 * Rules of others that rewrite what this host's containers send to other containers. They are not ours to remove, and no rule of ours can keep them from it: whoever
 * chooses a connection's source first has chosen. flanneld leaves its rules behind when it ends; those of this very subnet say what ours say.
 */
import type { HostScope } from '../contracts/host-network.ts';
import type { Finding } from '../core/finding.ts';
import type { Subnet } from '../core/subnet.ts';
import { findIptables, type IptablesKind } from './iptables.ts';
import { readNatChains } from './iptables-masquerade.ts';
import { readNftRule } from './nft-masquerade.ts';
import { list } from './nftables.ts';
import { rewritesPods, type PostroutingChains } from './postrouting.ts';
import { hasLegacy, type RuleSets } from './rule-sets.ts';
import { isJsonObject } from '../core/json.ts';

const POSTROUTING = 'POSTROUTING';
/** flanneld's of iptables, since v0.20. Those of its table of nftables return whatever goes to the Network from elsewhere than its subnet: they rewrite nothing. */
const FLANNEL_CHAIN = 'FLANNEL-POSTRTG';

interface Place {
  readonly kind: `iptables-${IptablesKind}`;
  readonly chains: PostroutingChains;
}

export async function foreignMasquerade(
  sets: RuleSets,
  { network, subnet }: NonNullable<HostScope['masquerade']>,
  signal: AbortSignal,
): Promise<Finding[]> {
  if (network === undefined || subnet === undefined) return [];
  const places = await Promise.all([ofIptablesNft(sets, signal), ofLegacy(sets, signal)]);
  return places.flatMap((place) =>
    place !== undefined && rewritesPods(place.chains, POSTROUTING, network, subnet)
      ? [finding(place, network, subnet)]
      : [],
  );
}

const isThere = ({ chains = [] }: RuleSets, table: string, name: string): boolean =>
  chains.some((chain) => chain.family === 'ip' && chain.table === table && chain.name === name);

async function nftChains(
  nft: string,
  table: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<PostroutingChains> {
  const read = async (name: string): Promise<[string, ReturnType<typeof readNftRule>[]]> => {
    const objects = await list(nft, ['chain', 'ip', table, name], signal);
    return [name, objects.flatMap(({ rule }) => (isJsonObject(rule) ? [readNftRule(rule)] : []))];
  };
  return new Map(await Promise.all(names.map(read)));
}

/** Through nft where it is there: it reads also what iptables-nft cannot. */
async function ofIptablesNft(sets: RuleSets, signal: AbortSignal): Promise<Place | undefined> {
  const program = sets.chains === undefined ? await findIptables('nft', signal) : 'iptables-nft';
  if (program === undefined || (sets.chains !== undefined && !isThere(sets, 'nat', POSTROUTING))) return undefined;
  const names = [POSTROUTING, FLANNEL_CHAIN].filter((name) => sets.chains === undefined || isThere(sets, 'nat', name));
  const chains =
    sets.nft !== undefined && sets.chains !== undefined
      ? await nftChains(sets.nft, 'nat', names, signal)
      : await readNatChains(program, names, signal);
  return { kind: 'iptables-nft', chains };
}

async function ofLegacy(sets: RuleSets, signal: AbortSignal): Promise<Place | undefined> {
  const program = hasLegacy(sets, 'nat') ? await findIptables('legacy', signal) : undefined;
  if (program === undefined) return undefined;
  return { kind: 'iptables-legacy', chains: await readNatChains(program, [POSTROUTING, FLANNEL_CHAIN], signal) };
}

function finding({ kind, chains }: Place, network: Subnet, subnet: Subnet): Finding {
  const nat = `${kind} -t nat`;
  const jump = `-m comment --comment "flanneld masq" -j ${FLANNEL_CHAIN}`;
  const remedy = rewritesPods(chains, FLANNEL_CHAIN, network, subnet)
    ? `flanneld left it for another subnet. It is not ours to change: ${nat} -D ${POSTROUTING} ${jump}; ${nat} -F ${FLANNEL_CHAIN}; ${nat} -X ${FLANNEL_CHAIN}`
    : 'It is not ours to change. Docker makes one for its bridge: start it with --ip-masq=false, as subnet.env says with FLANNEL_IPMASQ=true (weftd run --ip-masq)';
  return {
    code: 'MASQUERADE_FOREIGN',
    message: `chain ${POSTROUTING} of nat (${kind}) masquerades what containers of ${subnet} send to others of ${network}, who see this host's address instead. ${remedy}`,
  };
}
