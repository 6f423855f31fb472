/**
 * A container as a container engine makes one: a namespace of its own behind the bridge `cni0` of its host, addressed from what
 * the host's subnet.env says.
 *
 *   host:  eth0 ─ routes ─ cni0 (FLANNEL_SUBNET) ─ veth ─ eth0  :container
 */
import { readFileSync } from 'node:fs';
import { offset, type Address } from '../core/address.ts';
import { firstHostOf, prefixLengthOf, type Subnet } from '../core/subnet.ts';
import { parseSubnetFile, type SubnetFile } from '../core/subnet-file.ts';
import { ip } from './namespaces.ts';
import { quietLink, raiseBridge, UPLINK, UPLINK_INDEX } from './world.ts';

export interface Container {
  /** Of its namespace: `a1-c1`. */
  readonly name: string;
  readonly host: string;
  readonly subnet: Subnet;
  readonly address: Address;
}

/** The network that the daemon has written down for container engines; undefined while it has not. */
export function readSubnetFile(file: string): SubnetFile | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const { network, subnet, mtuBytes, ipMasq = false } = parseSubnetFile(text);
  return network === undefined || subnet === undefined || mtuBytes === undefined
    ? undefined
    : { network, subnet, mtuBytes, ipMasq };
}

/** The host's end of a container's cable. */
const portOf = (index: number): string => `veth${index}`;

/** @param index 1 for the first container of the host, and so on. */
export async function addContainer(
  host: string,
  file: SubnetFile,
  index: number,
  signal: AbortSignal,
): Promise<Container> {
  const name = `${host}-c${index}`;
  const { subnet, mtuBytes } = file;
  const gateway = firstHostOf(subnet);
  const address = offset(gateway, index);
  const length = prefixLengthOf(subnet);
  const port = portOf(index);
  await ip([
    `netns add ${name}`,
    `link add ${UPLINK} index ${UPLINK_INDEX} mtu ${mtuBytes} netns ${name} type veth peer name ${port} mtu ${mtuBytes} netns ${host}`,
  ]);
  await ip(
    [
      'link set lo up',
      `address add ${address}/${length} dev ${UPLINK}`,
      ...quietLink(UPLINK),
      `route add default via ${gateway}`,
    ],
    name,
  );
  if (index === 1) {
    await ip(
      ['link add cni0 type bridge', `link set cni0 mtu ${mtuBytes}`, `address add ${gateway}/${length} dev cni0`],
      host,
    );
  }
  await raiseBridge(host, 'cni0', [port], signal);
  return { name, host, subnet, address };
}

/** What a container engine does when its host leaves: its containers and the bridge go. */
export async function removeContainers(host: string, containers: readonly Container[]): Promise<void> {
  const ports = containers.map((_, i) => `link delete ${portOf(i + 1)}`);
  await ip([...ports, 'link delete cni0'], host);
  await ip(containers.map(({ name }) => `netns delete ${name}`));
}
