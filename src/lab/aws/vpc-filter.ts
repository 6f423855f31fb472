/**
 * What each interface lets through, as one nftables table of the bridge family: source/destination check and security groups, on every frame
 * between a host and its port, routed or not.
 *
 *   host ─ eth0 ═ port ─ prerouting: out-PORT ─ bridge ─ postrouting: in-PORT ─ port ═ eth0 ─ host
 *
 * Groups are stateful for each interface by itself: what one lets out it lets back in, and the other way round. The kernel's connection tracking
 * is one for all ports, and not every kernel has it for bridges (CONFIG_NF_CONNTRACK_BRIDGE); so flows stand in sets with the port in the key.
 */
import { carries } from './interfaces.ts';
import { METADATA_ADDRESS } from './metadata-server.ts';
import type { AwsState, GroupRule, NetworkInterface } from './model.ts';
import type { VpcWiring } from './vpc-wiring.ts';

const TABLE = 'bridge vpc';

/** Idle times after which AWS forgets a flow (EC2 user guide, "Idle connection tracking timeout"). */
const TCP_FLOW = '350s';
const UDP_FLOW = '180s';
const ECHO_FLOW = '30s';

/**
 * A flow as the interface itself sees it: own address first. Outwards, and what the same flow is inwards. A set for each protocol, because nft
 * keeps the types of at most five fields and misprints longer keys.
 */
const FLOW = {
  out: 'iifname . ip saddr . ip daddr . th sport . th dport',
  in: 'oifname . ip daddr . ip saddr . th dport . th sport',
} as const;
const ECHO = {
  out: 'iifname . ip saddr . ip daddr . icmp id',
  in: 'oifname . ip daddr . ip saddr . icmp id',
} as const;

type Direction = 'out' | 'in';
const DIRECTIONS = ['out', 'in'] as const;

export interface VpcFilter {
  readonly chains: ReadonlyMap<string, readonly string[]>;
}

export function filterOf(state: AwsState, wiring: VpcWiring): VpcFilter {
  const chains = new Map<string, readonly string[]>();
  for (const direction of DIRECTIONS) chains.set(`track-${direction}`, trackLines(direction));
  const guarded: string[] = [];
  for (const it of state.interfaces.values()) {
    const port = wiring.ports.get(it.address);
    if (it.vpc !== wiring.vpc || port === undefined || it.attachment?.device !== 0) continue;
    guarded.push(port);
    for (const direction of DIRECTIONS) chains.set(`${direction}-${port}`, interfaceLines(state, it, direction));
  }
  // A port whose interface is gone or detached.
  for (const port of wiring.ports.values()) {
    if (guarded.includes(port)) continue;
    for (const direction of DIRECTIONS) chains.set(`${direction}-${port}`, ['drop']);
  }
  const drops = state.damage.drops.map(({ from, to }) => `ip saddr ${from} ip daddr ${to} drop`);
  for (const direction of DIRECTIONS) {
    const hook = direction === 'out' ? 'prerouting' : 'postrouting';
    const device = direction === 'out' ? 'iifname' : 'oifname';
    chains.set(hook, [
      `type filter hook ${hook} priority 0; policy accept;`,
      ...drops,
      ...[...wiring.ports.values()].map((port) => `${device} "${port}" goto ${direction}-${port}`),
    ]);
  }
  return { chains };
}

function interfaceLines(state: AwsState, it: NetworkInterface, direction: Direction): readonly string[] {
  if (!carries(state, it)) return ['drop'];
  const [own, peer] = direction === 'out' ? ['saddr', 'daddr'] : ['daddr', 'saddr'];
  const rules = it.groups.flatMap((id) => {
    const group = state.groups.get(id);
    return (direction === 'out' ? group?.egress : group?.ingress) ?? [];
  });
  return [
    'ether type arp accept',
    'ether type != ip drop',
    ...(it.sourceDestCheck ? [`ip ${own} != ${it.address} drop`] : []),
    // The metadata server is asked past all groups.
    `ip ${peer} ${METADATA_ADDRESS} accept`,
    // Only a first fragment has ports to look at.
    'ip frag-off & 0x1fff != 0 accept',
    `ip protocol tcp ${FLOW[direction]} @tcp_flows goto track-${direction}`,
    `ip protocol udp ${FLOW[direction]} @udp_flows goto track-${direction}`,
    `icmp type echo-reply ${ECHO[direction]} @echoes accept`,
    ...rules.flatMap((rule) => ruleLines(state, rule, peer, direction)),
    'drop',
  ];
}

/** What lets a packet pass remembers its flow. */
const trackLines = (direction: Direction): readonly string[] => [
  `ip protocol tcp update @tcp_flows { ${FLOW[direction]} timeout ${TCP_FLOW} } accept`,
  `ip protocol udp update @udp_flows { ${FLOW[direction]} timeout ${UDP_FLOW} } accept`,
  `icmp type echo-request update @echoes { ${ECHO[direction]} timeout ${ECHO_FLOW} } accept`,
  'accept',
];

function ruleLines(state: AwsState, rule: GroupRule, peer: string, direction: Direction): readonly string[] {
  const addresses = typeof rule.peer === 'string' ? rule.peer : membersOf(state, rule.peer.group);
  if (addresses === undefined) return [];
  const [first, last] = rule.ports ?? [];
  const ports = first === undefined || last === undefined ? '' : ` ${rule.protocol} dport ${first}-${last}`;
  const protocol = rule.protocol === 'all' || ports !== '' ? '' : ` ip protocol ${rule.protocol}`;
  return [`ip ${peer} ${addresses}${protocol}${ports} goto track-${direction}`];
}

/** A rule that names a group means its interfaces' own addresses, and none that stand behind them. */
function membersOf(state: AwsState, group: string): string | undefined {
  const addresses = [...state.interfaces.values()].filter(({ groups }) => groups.includes(group));
  return addresses.length === 0 ? undefined : `{ ${addresses.map(({ address }) => address).join(', ')} }`;
}

/** One transaction that makes the kernel's filter this one; flows are kept. */
export function filterScript(before: VpcFilter | undefined, after: VpcFilter): string {
  const gone = [...(before?.chains.keys() ?? [])].filter((name) => !after.chains.has(name));
  return [
    `table ${TABLE} {`,
    `  set tcp_flows { typeof ${FLOW.out}; size 65536; flags dynamic, timeout; }`,
    `  set udp_flows { typeof ${FLOW.out}; size 65536; flags dynamic, timeout; }`,
    `  set echoes { typeof ${ECHO.out}; size 65536; flags dynamic, timeout; }`,
    '}',
    `flush table ${TABLE}`,
    ...gone.map((name) => `delete chain ${TABLE} ${name}`),
    `table ${TABLE} {`,
    ...[...after.chains].flatMap(([name, lines]) => [
      `  chain ${name} {`,
      ...lines.map((line) => `    ${line}`),
      '  }',
    ]),
    '}',
    '',
  ].join('\n');
}
