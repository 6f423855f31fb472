/** Devices: RTM_NEWLINK and its like (struct ifinfomsg, 16 bytes; linux/if_link.h). */
import {
  AF_UNSPEC,
  IFF_UP,
  IFLA_ADDRESS,
  IFLA_EXT_MASK,
  IFLA_IFNAME,
  IFLA_INFO_DATA,
  IFLA_INFO_KIND,
  IFLA_LINKINFO,
  IFLA_MTU,
  IFLA_TUN_PERSIST,
  IFLA_TUN_TYPE,
  IFLA_VXLAN_GBP,
  IFLA_VXLAN_ID,
  IFLA_VXLAN_LEARNING,
  IFLA_VXLAN_LINK,
  IFLA_VXLAN_LOCAL,
  IFLA_VXLAN_LOCAL6,
  IFLA_VXLAN_PORT,
  RTEXT_FILTER_SKIP_STATS,
} from './constants.ts';
import type { IpValue } from './ip-value.ts';
import type { AttributeCursor, MessageReader } from './message-reader.ts';
import type { MessageWriter } from './message-writer.ts';

const HEADER_BYTES = 16;

export interface VxlanData {
  readonly vni: number;
  readonly port: number;
  /** Source address of the outer packets; undefined leaves it to routing. */
  readonly local?: IpValue;
  /** Index of the device below; 0 is none. */
  readonly lower: number;
  readonly learning: boolean;
  readonly gbp: boolean;
}

export interface TunData {
  /** IFF_TUN (1), or IFF_TAP (2) of a device of Ethernet frames (linux/if_tun.h). */
  readonly type: number;
  /** It stays when no process has it open. */
  readonly persistent: boolean;
}

export interface LinkMessage {
  readonly index: number;
  readonly name: string;
  /** Kind of a virtual device: `vxlan`, `veth`; empty for hardware. */
  readonly kind: string;
  readonly flags: number;
  /** Which flags this event changed. */
  readonly changed: number;
  readonly mtuBytes: number;
  readonly mac?: string;
  readonly vxlan?: VxlanData;
  readonly tun?: TunData;
}

/** What may be set on a device that stands. What is left out stays. */
export interface LinkSettings {
  readonly mac?: string;
  readonly mtuBytes?: number;
  readonly up?: boolean;
}

function header(w: MessageWriter, index: number, up: boolean | undefined): void {
  w.u8(AF_UNSPEC);
  w.u8(0);
  w.u16(0);
  w.u32(index);
  w.u32(up === true ? IFF_UP : 0);
  w.u32(up === undefined ? 0 : IFF_UP);
}

/** Body of RTM_GETLINK, of one device by index or name, or of a dump. Statistics, two thirds of each answer, are left out. */
export function writeLinkQuery(w: MessageWriter, which?: number | string): void {
  header(w, typeof which === 'number' ? which : 0, undefined);
  if (typeof which === 'string') w.attributeText(IFLA_IFNAME, which);
  w.attributeU32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

/** Body of RTM_DELLINK and RTM_NEWLINK for a device that stands. */
export function writeLinkChange(w: MessageWriter, index: number, settings: LinkSettings): void {
  header(w, index, settings.up);
  if (settings.mtuBytes !== undefined) w.attributeU32(IFLA_MTU, settings.mtuBytes);
  if (settings.mac !== undefined) w.attributeMac(IFLA_ADDRESS, settings.mac);
}

/** Body of RTM_NEWLINK for a vxlan device that is to be made. */
export function writeVxlan(w: MessageWriter, name: string, settings: LinkSettings, vxlan: VxlanData): void {
  writeLinkChange(w, 0, settings);
  w.attributeText(IFLA_IFNAME, name);
  const info = w.nest(IFLA_LINKINFO);
  w.attributeText(IFLA_INFO_KIND, 'vxlan');
  const data = w.nest(IFLA_INFO_DATA);
  w.attributeU32(IFLA_VXLAN_ID, vxlan.vni);
  if (vxlan.local !== undefined)
    w.attributeIp(typeof vxlan.local === 'number' ? IFLA_VXLAN_LOCAL : IFLA_VXLAN_LOCAL6, vxlan.local);
  if (vxlan.lower !== 0) w.attributeU32(IFLA_VXLAN_LINK, vxlan.lower);
  w.attributeBe16(IFLA_VXLAN_PORT, vxlan.port);
  w.attributeU8(IFLA_VXLAN_LEARNING, vxlan.learning ? 1 : 0);
  if (vxlan.gbp) w.attributeFlag(IFLA_VXLAN_GBP);
  w.endNest(data);
  w.endNest(info);
}

export function readLink(m: MessageReader): LinkMessage {
  const link = { index: m.u32(4), name: '', kind: '', flags: m.u32(8), changed: m.u32(12), mtuBytes: 0 };
  let mac: string | undefined;
  let vxlan: VxlanData | undefined;
  let tun: TunData | undefined;
  for (const a = m.openAttributes(HEADER_BYTES); a.next();) {
    if (a.type === IFLA_IFNAME) link.name = a.text();
    else if (a.type === IFLA_MTU) link.mtuBytes = a.u32();
    else if (a.type === IFLA_ADDRESS) mac = a.mac();
    else if (a.type === IFLA_LINKINFO) {
      m.nested.open(a.start, a.end);
      while (m.nested.next()) {
        if (m.nested.type === IFLA_INFO_KIND) link.kind = m.nested.text();
        // The kind stands before the data (rtnl_link_info_fill).
        else if (m.nested.type === IFLA_INFO_DATA && link.kind === 'vxlan') vxlan = readVxlan(m.nested);
        else if (m.nested.type === IFLA_INFO_DATA && link.kind === 'tun') tun = readTun(m.nested);
      }
    }
  }
  return {
    ...link,
    ...(mac === undefined ? {} : { mac }),
    ...(vxlan === undefined ? {} : { vxlan }),
    ...(tun === undefined ? {} : { tun }),
  };
}

/** From the cursor on IFLA_INFO_DATA; the cursor is used up. */
function readTun(data: AttributeCursor): TunData {
  const tun = { type: 0, persistent: false };
  data.open(data.start, data.end);
  while (data.next()) {
    if (data.type === IFLA_TUN_TYPE) tun.type = data.u8();
    else if (data.type === IFLA_TUN_PERSIST) tun.persistent = data.u8() !== 0;
  }
  return tun;
}

/** From the cursor on IFLA_INFO_DATA; the cursor is used up. */
function readVxlan(data: AttributeCursor): VxlanData {
  const vxlan = { vni: 0, port: 0, lower: 0, learning: false, gbp: false };
  let local: IpValue | undefined;
  data.open(data.start, data.end);
  while (data.next()) {
    if (data.type === IFLA_VXLAN_ID) vxlan.vni = data.u32();
    else if (data.type === IFLA_VXLAN_LINK) vxlan.lower = data.u32();
    else if (data.type === IFLA_VXLAN_LOCAL || data.type === IFLA_VXLAN_LOCAL6) local = data.ip();
    else if (data.type === IFLA_VXLAN_PORT) vxlan.port = data.be16();
    else if (data.type === IFLA_VXLAN_LEARNING) vxlan.learning = data.u8() !== 0;
    else if (data.type === IFLA_VXLAN_GBP) vxlan.gbp = true;
  }
  return local === undefined ? vxlan : { ...vxlan, local };
}
