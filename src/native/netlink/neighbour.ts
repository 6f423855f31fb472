/** Neighbours, and forwarding entries, which speak the same messages: RTM_NEWNEIGH and its like (struct ndmsg, 12 bytes; linux/neighbour.h). */
import {
  AF_BRIDGE,
  NDA_DST,
  NDA_IFINDEX,
  NDA_LLADDR,
  NDA_PORT,
  NDA_VNI,
  NTF_SELF,
  NUD_PERMANENT,
} from './constants.ts';
import type { IpValue } from './ip-value.ts';
import type { MessageReader } from './message-reader.ts';
import { afOf, type MessageWriter } from './message-writer.ts';

const HEADER_BYTES = 12;

export interface NeighbourMessage {
  /** AF_INET, AF_INET6, or AF_BRIDGE for forwarding entries. */
  readonly af: number;
  readonly link: number;
  readonly state: number;
  readonly flags: number;
  /** The neighbour's address; of a forwarding entry the remote host's. */
  readonly address: IpValue | undefined;
  readonly mac: string | undefined;
  /** A forwarding entry with a port, VNI or device of its own. */
  readonly detour: boolean;
}

function header(w: MessageWriter, af: number, link: number, state: number, flags: number): void {
  w.u8(af);
  w.u8(0);
  w.u16(0);
  w.u32(link);
  w.u16(state);
  w.u8(flags);
  w.u8(0);
}

/** Body of RTM_NEWNEIGH for a permanent neighbour. */
export function writeNeighbour(w: MessageWriter, link: number, address: IpValue, mac: string): void {
  header(w, afOf(address), link, NUD_PERMANENT, 0);
  w.attributeIp(NDA_DST, address);
  w.attributeMac(NDA_LLADDR, mac);
}

/** Body of RTM_GETNEIGH for one neighbour, and of RTM_DELNEIGH. */
export function writeNeighbourKey(w: MessageWriter, link: number, address: IpValue): void {
  header(w, afOf(address), link, 0, 0);
  w.attributeIp(NDA_DST, address);
}

/** Body of RTM_NEWNEIGH for a forwarding entry of the device's own table (`bridge fdb ... self permanent`). */
export function writeForwarding(w: MessageWriter, link: number, mac: string, remote: IpValue): void {
  header(w, AF_BRIDGE, link, NUD_PERMANENT, NTF_SELF);
  w.attributeMac(NDA_LLADDR, mac);
  w.attributeIp(NDA_DST, remote);
}

/** Body of RTM_GETNEIGH for one forwarding entry, and of RTM_DELNEIGH. */
export function writeForwardingKey(w: MessageWriter, link: number, mac: string): void {
  header(w, AF_BRIDGE, link, 0, NTF_SELF);
  w.attributeMac(NDA_LLADDR, mac);
}

/**
 * Body of a dump. Strict kernels want the device of neighbours as an attribute, that of forwarding entries in the header
 * (neigh_valid_dump_req, valid_fdb_dump_strict).
 */
export function writeNeighbourQuery(w: MessageWriter, af: number, link: number): void {
  header(w, af, af === AF_BRIDGE ? link : 0, 0, 0);
  if (af !== AF_BRIDGE) w.attributeU32(NDA_IFINDEX, link);
}

/** The device, before the attributes are read. */
export const neighbourLink = (m: MessageReader): number => m.u32(4);

export function readNeighbour(m: MessageReader): NeighbourMessage {
  let address: IpValue | undefined;
  let mac: string | undefined;
  let detour = false;
  for (const a = m.openAttributes(HEADER_BYTES); a.next();) {
    if (a.type === NDA_DST) address = a.ip();
    else if (a.type === NDA_LLADDR) mac = a.mac();
    else if (a.type === NDA_PORT || a.type === NDA_VNI || a.type === NDA_IFINDEX) detour = true;
  }
  return { af: m.u8(0), link: neighbourLink(m), state: m.u16(8), flags: m.u8(10), address, mac, detour };
}
