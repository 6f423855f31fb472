/** What firewall tests do to a host's packet filter, and see of it. */
import { execFileSync } from 'node:child_process';
import { parseSubnet, type Subnet } from '../../src/core/subnet.ts';
import type { HostObservation, HostScope } from '../../src/contracts/host-network.ts';
import type { ForwardAccept } from '../../src/core/host-entry.ts';
import { Asked } from '../../src/host/asked.ts';
import { PacketFilter } from '../../src/host/packet-filter.ts';

export const NETWORK = parseSubnet('10.42.0.0/16');
export const OTHER = parseSubnet('10.43.0.0/16');
const { signal } = new AbortController();
const NO_SCOPE: HostScope = { networks: [], links: [], sysctls: [], files: [], accepts: [] };
const filter = new PacketFilter();

export const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
export type Iptables = (line: string) => string;
export const iptables: Iptables = (line) => run('iptables-nft', '-w', ...line.split(' '));
export const legacy: Iptables = (line) => run('iptables-legacy', '-w', ...line.split(' '));
export const nft = (...commands: string[]): void => commands.forEach((command) => run('nft', command));

/** Policy and rules of the chains that we may touch. */
export const rules = (program: Iptables): string[] =>
  program('-S')
    .split('\n')
    .filter((line) => /^-(P FORWARD|A (FORWARD|DOCKER-USER)) /.test(line));
export const ours = (chain: string, network: string): string[] =>
  ['-d', '-s'].map((to) => `-A ${chain} ${to} ${network} -m comment --comment "weft forward" -j ACCEPT`);

export const look = (scope: Partial<HostScope>, stop = signal, by = filter): Promise<HostObservation> =>
  by.observe({ ...NO_SCOPE, ...scope }, new Asked(undefined), stop);

export async function seen(...networks: Subnet[]): Promise<string[]> {
  const { entries, findings } = await look({ accepts: networks });
  return [
    ...entries.map((entry) => (entry.kind === 'accept' ? `accept ${entry.network}` : entry.kind)),
    ...findings.map((each) => `${each.code} ${each.message}`),
  ];
}
const accept = (network: Subnet): ForwardAccept => ({ kind: 'accept', network });
export const put = (network: Subnet): Promise<void> => filter.accept({ op: 'put', want: accept(network) }, signal);
export const remove = (network: Subnet): Promise<void> => filter.accept({ op: 'remove', was: accept(network) }, signal);

/** The filter table as Docker 28 sets it up. */
export function startDocker(program: Iptables): void {
  for (const chain of ['DOCKER', 'DOCKER-FORWARD', 'DOCKER-USER']) program(`-N ${chain}`);
  program('-P FORWARD DROP');
  program('-A DOCKER ! -i docker0 -o docker0 -j DROP');
  program('-A DOCKER-FORWARD -j DOCKER');
  program('-A DOCKER-FORWARD -i docker0 -j ACCEPT');
  program('-A FORWARD -j DOCKER-USER');
  program('-A FORWARD -j DOCKER-FORWARD');
}
export const DOCKER = ['-P FORWARD DROP', '-A FORWARD -j DOCKER-USER', '-A FORWARD -j DOCKER-FORWARD'];
