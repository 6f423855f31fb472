/**
 * The cloud lab with two pairs of hosts in one VPC, alike in everything but what carries their containers:
 *
 *   subnet A  a1 (weftd)  pa (by hand)          container ─ veth ─ cni0 ─ routes ─ eth0 ═ VPC ═ eth0 ─ routes ─ cni0 ─ veth ─ container
 *   subnet B  b1 (weftd)  pb (by hand)
 *
 * What a person without an overlay has on EC2 is the same chain of devices, a static route in the VPC's tables and one on each host. So both pairs
 * cross the same router, its filter and its tables at the same moment of the same run, and what is left between them is Weft. The hosts by hand have the
 * whole MTU of the VPC, where Weft keeps 50 bytes back for its tunnels.
 */
import { parseAddress } from '../../src/core/address.ts';
import { baseOf, parseSubnet } from '../../src/core/subnet.ts';
import { macOf, planned } from '../../src/lab/aws/account.ts';
import { cloudAndOffice } from '../../src/lab/cloud-and-office.ts';
import { addContainer, removeContainers, type Container } from '../../src/lab/container.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { ip, runIn, writeSysctl } from '../../src/lab/namespaces.ts';
import { gatewayOf, segmentOf, type HostPlan, type Topology } from '../../src/lab/topology.ts';
import { UPLINK } from '../../src/lab/world.ts';

/** In subnet A, and in subnet B. */
export type Ends = readonly [Container, Container];

const never = new AbortController().signal;

export const VPC_MTU = 9001;
export const VXLAN_MTU = VPC_MTU - 50;
export const NETWORK = '10.42.0.0/16';
const BY_HAND = parseSubnet('10.43.0.0/16');
const TUNNEL = { name: 'vxlan7', vni: 7, port: 8472 };

const instance = (name: string, segment: string, text: string): HostPlan => {
  const address = parseAddress(text);
  return { name, node: planned.instance(name), segment, address, mac: macOf(address) };
};

const A1 = instance('a1', 'a', '10.0.1.11');
const B1 = instance('b1', 'b', '10.0.2.11');
const PA = { plan: instance('pa', 'a', '10.0.1.21'), subnet: parseSubnet('10.43.1.0/24'), mac: '02:57:00:00:00:0a' };
const PB = { plan: instance('pb', 'b', '10.0.2.21'), subnet: parseSubnet('10.43.2.0/24'), mac: '02:57:00:00:00:0b' };
const PAIR = [
  { own: PA, peer: PB },
  { own: PB, peer: PA },
];

const GROUP = { name: 'nodes', ingress: ['nodes', NETWORK, BY_HAND].map((peer) => ({ peer })) };

export const throughputTopology: Topology = {
  ...cloudAndOffice,
  sites: cloudAndOffice.sites.map((site) =>
    site.vpc === undefined ? site : { ...site, vpc: { ...site.vpc, groups: [GROUP] } },
  ),
  // The VPC's filter looks at its ports in this order: both pairs wait for five looks.
  hosts: [A1, PA.plan, PB.plan, B1],
};

/** Containers by hand, and the routes in the VPC's tables and on the hosts. */
export async function routeByHand(lab: Lab): Promise<Ends> {
  for (const { own, peer } of PAIR) {
    const { name } = own.plan;
    writeSysctl(name, 'net.ipv4.ip_forward', '1');
    await lab.aws?.do('check', { instance: name, on: false });
    for (const table of ['table-a', 'table-b'])
      await lab.aws?.do('put-route', { table, destination: own.subnet, instance: name });
    const gateway = gatewayOf(segmentOf(lab.topology, own.plan));
    await ip([`route add ${peer.subnet} via ${gateway} dev ${UPLINK}`], name);
  }
  return await containersByHand(VPC_MTU);
}

/** In their place: a vxlan device with the options that Weft gives to its own, a forwarding entry, a neighbour and a route. */
export async function tunnelByHand(standing: Ends): Promise<Ends> {
  for (const container of standing) await removeContainers(container.host, [container]);
  const { name: device, vni, port } = TUNNEL;
  for (const { own, peer } of PAIR) {
    const { name, address } = own.plan;
    const via = baseOf(peer.subnet);
    await ip(
      [
        `link add ${device} address ${own.mac} mtu ${VXLAN_MTU} type vxlan id ${vni} dstport ${port} local ${address} dev ${UPLINK} nolearning`,
        `address add ${baseOf(own.subnet)}/32 dev ${device}`,
        `link set ${device} up`,
        `neighbour add ${via} lladdr ${peer.mac} dev ${device} nud permanent`,
        `route replace ${peer.subnet} via ${via} dev ${device} onlink`,
      ],
      name,
    );
    await runIn(name, ['bridge', 'fdb', 'add', peer.mac, 'dev', device, 'dst', peer.plan.address, 'self', 'permanent']);
  }
  return await containersByHand(VXLAN_MTU);
}

async function containersByHand(mtuBytes: number): Promise<Ends> {
  const add = ({ plan, subnet }: typeof PA): Promise<Container> =>
    addContainer(plan.name, { network: BY_HAND, subnet, mtuBytes, ipMasq: false }, 1, never);
  return [await add(PA), await add(PB)];
}
