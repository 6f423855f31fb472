/** Builds the namespaces, bridges and cables of a topology. */
import { prefixLengthOf } from '../core/subnet.ts';
import { eventually } from './eventually.ts';
import { ip, runIn, writeSysctl } from './namespaces.ts';
import { joinCables, joinLines } from './joins.ts';
import {
  gatewayOf,
  machinesOf,
  segmentOf,
  siteOf,
  type Machine,
  type Segment,
  type Site,
  type Topology,
} from './topology.ts';

export const UPLINK = 'eth0';
/**
 * Unlike the index of any far end: the kernel's link watch tells a cable by its two ends having different indexes, and looks at cables at once but at
 * other devices once a second (net/core/link_watch.c, linkwatch_urgent_event).
 */
export const UPLINK_INDEX = 1000;
export const bridgeOf = (segment: Segment): string => `br-${segment.name}`;
/** The site's end of a machine's cable: a port of the segment's bridge. */
export const portOf = (machine: Machine): string => `p-${machine.name}`;

export async function buildWorld(topology: Topology, signal: AbortSignal): Promise<void> {
  const machines = machinesOf(topology);
  // One process makes all of it: each further one would cost a few milliseconds.
  await ip([
    ...[...topology.sites, ...machines].map(({ name }) => `netns add ${name}`),
    ...machines.map((machine) => {
      const { name, mtuBytes } = siteOf(topology, machine);
      const mtu = mtuBytes === undefined ? '' : ` mtu ${mtuBytes}`;
      const mac = machine.mac === undefined ? '' : ` address ${machine.mac}`;
      return `link add ${UPLINK} index ${UPLINK_INDEX}${mac}${mtu} netns ${machine.name} type veth peer name ${portOf(machine)}${mtu} netns ${name}`;
    }),
    ...joinCables(topology),
  ]);
  await Promise.all(machines.map((machine) => furnishMachine(topology, machine)));
  await Promise.all(topology.sites.map((site) => furnishSite(topology, site, signal)));
}

/**
 * Gives a bridge its ports and brings it up, able to send at once. One that comes up while no port has a carrier drops all it should
 * send until the kernel's link watch comes round, up to a second later (net/core/link_watch.c, net/bridge/br_stp_if.c): so the far ends
 * of the ports are up already, and the bridge comes up last.
 */
export async function raiseBridge(
  namespace: string,
  bridge: string,
  ports: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await ip(
    ports.flatMap((port) => [`link set ${port} master ${bridge}`, ...quietLink(port)]),
    namespace,
  );
  await linksUp(namespace, ports, signal);
  await ip(quietLink(bridge), namespace);
}

/** Waits until the kernel says that these devices can send. */
async function linksUp(namespace: string, links: readonly string[], signal: AbortSignal): Promise<void> {
  await eventually(
    `${links.join(', ')} in ${namespace} can send`,
    30_000,
    async () => {
      const lines = (await runIn(namespace, ['ip', '-o', 'link', 'show', 'up'])).split('\n');
      const down = links.filter(
        (link) => !lines.some((line) => new RegExp(`^\\d+: ${link}[@:].* state UP `).test(line)),
      );
      return down.length === 0 ? { found: true } : { missing: `${down.join(', ')} cannot` };
    },
    signal,
  );
}

/** Pulls or plugs in the cable of a machine, at the site's end: the machine keeps its addresses and routes. */
export async function setCable(topology: Topology, machine: Machine, state: 'up' | 'down'): Promise<void> {
  await ip([`link set ${portOf(machine)} ${state}`], siteOf(topology, machine).name);
}

async function furnishSite(topology: Topology, site: Site, signal: AbortSignal): Promise<void> {
  writeSysctl(site.name, 'net.ipv4.ip_forward', '1');
  const bridges = site.segments.flatMap((segment) => [
    `link add ${bridgeOf(segment)} type bridge`,
    `address add ${gatewayOf(segment)}/${prefixLengthOf(segment.range)} dev ${bridgeOf(segment)}`,
  ]);
  await ip(['link set lo up', ...bridges, ...joinLines(topology, site)], site.name);
  await Promise.all(
    site.segments.map(async (segment) => {
      const ports = machinesOf(topology).filter((machine) => machine.segment === segment.name);
      await raiseBridge(site.name, bridgeOf(segment), ports.map(portOf), signal);
    }),
  );
}

async function furnishMachine(topology: Topology, machine: Machine): Promise<void> {
  const segment = segmentOf(topology, machine);
  await ip(
    [
      'link set lo up',
      `address add ${machine.address}/${prefixLengthOf(segment.range)} dev ${UPLINK}`,
      ...quietLink(UPLINK),
      `route add default via ${gatewayOf(segment)}`,
    ],
    machine.name,
  );
}

/**
 * Up, without an IPv6 link-local address: its neighbour discovery would be traffic that nobody asked for. Two commands: in one the kernel
 * would bring the device up first.
 */
export const quietLink = (link: string): readonly string[] => [
  `link set ${link} addrgenmode none`,
  `link set ${link} up`,
];
