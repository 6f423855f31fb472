/** Permanent neighbours on our devices, and the forwarding entries of vxlan devices: the same messages, looked at in one way. */
import type { ForwardingEntry, Neighbour } from '../core/host-entry.ts';
import { ENOENT } from '../native/kernel-error.ts';
import { AF_BRIDGE, NTF_SELF, NUD_PERMANENT, RTM_GETNEIGH } from '../native/netlink/constants.ts';
import type { IpValue } from '../native/netlink/ip-value.ts';
import type { MessageReader } from '../native/netlink/message-reader.ts';
import {
  neighbourLink,
  readNeighbour,
  writeForwardingKey,
  writeNeighbourKey,
  writeNeighbourQuery,
} from '../native/netlink/neighbour.ts';
import type { RouteSocket } from '../native/route-socket.ts';
import { parseAddress } from '../core/address.ts';
import { addressOf, ipValueOf, macAddressOf } from './kernel-values.ts';

export interface Pair {
  readonly address: IpValue;
  readonly mac: string;
}

/** Undefined for what is learned, passing or on another device: a kernel before 4.20 sends all there are. */
function neighbourPair(m: MessageReader, link: number): Pair | undefined {
  if (neighbourLink(m) !== link) return undefined;
  const { address, mac, state } = readNeighbour(m);
  return (state & NUD_PERMANENT) === 0 || address === undefined || mac === undefined ? undefined : { address, mac };
}

/**
 * Undefined for what is learned, for groups, and for an entry with a port, VNI or device of its own: none of ours has one, so it counts as missing and is
 * replaced when wanted.
 */
function forwardingPair(m: MessageReader, link: number): Pair | undefined {
  if (neighbourLink(m) !== link) return undefined;
  const { address, mac, state, flags, detour } = readNeighbour(m);
  if ((state & NUD_PERMANENT) === 0 || (flags & NTF_SELF) === 0 || detour || address === undefined || mac === undefined)
    return undefined;
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1 ? undefined : { address, mac };
}

export function permanentNeighbours(socket: RouteSocket, af: number, link: number): Pair[] {
  return socket.dump(
    RTM_GETNEIGH,
    (w) => writeNeighbourQuery(w, af, link),
    (m) => neighbourPair(m, link),
  );
}

export function forwardingEntries(socket: RouteSocket, link: number): Pair[] {
  return socket.dump(
    RTM_GETNEIGH,
    (w) => writeNeighbourQuery(w, AF_BRIDGE, link),
    (m) => forwardingPair(m, link),
  );
}

/** The neighbours of these addresses on a device, each asked for by itself; undefined when this kernel cannot be asked so (before 5.0). */
export function neighboursAt(socket: RouteSocket, link: number, addresses: readonly string[]): Pair[] | undefined {
  for (const address of addresses)
    socket.add(RTM_GETNEIGH, 0, (w) => writeNeighbourKey(w, link, ipValueOf(parseAddress(address))));
  return answers(socket, (m) => neighbourPair(m, link));
}

export function forwardingEntriesAt(socket: RouteSocket, link: number, macs: readonly string[]): Pair[] | undefined {
  for (const mac of macs) socket.add(RTM_GETNEIGH, 0, (w) => writeForwardingKey(w, link, mac));
  return answers(socket, (m) => forwardingPair(m, link));
}

function answers(socket: RouteSocket, read: (m: MessageReader) => Pair | undefined): Pair[] | undefined {
  const found: Pair[] = [];
  const refused = socket.exchange((m) => {
    const pair = read(m);
    if (pair !== undefined) found.push(pair);
  });
  return refused.some(({ errno }) => errno !== ENOENT) ? undefined : found;
}

export const neighbourEntry = (link: string, { address, mac }: Pair): Neighbour => ({
  kind: 'neighbour',
  link,
  address: addressOf(address),
  mac: macAddressOf(mac),
});

export const forwardingEntry = (link: string, { address, mac }: Pair): ForwardingEntry => ({
  kind: 'fdb',
  link,
  mac: macAddressOf(mac),
  remote: addressOf(address),
});
