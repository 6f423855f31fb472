/** Addresses of devices: RTM_NEWADDR and its like (struct ifaddrmsg, 8 bytes; linux/if_addr.h). */
import { AF_UNSPEC, IFA_ADDRESS, IFA_FLAGS, IFA_LOCAL, RT_SCOPE_UNIVERSE } from './constants.ts';
import type { IpValue } from './ip-value.ts';
import type { MessageReader } from './message-reader.ts';
import { afOf, type MessageWriter } from './message-writer.ts';

const HEADER_BYTES = 8;

export interface AddressMessage {
  readonly link: number;
  readonly address: IpValue;
  /** What the prefix length belongs to: the address itself, or the other end of a point-to-point device. */
  readonly prefix: IpValue;
  readonly prefixLength: number;
  readonly scope: number;
  readonly flags: number;
}

/** Body of a dump of all addresses, or of those of one device and family where the kernel checks strictly. */
export function writeAddressQuery(w: MessageWriter, af = AF_UNSPEC, link = 0): void {
  w.u8(af);
  w.u8(0);
  w.u8(0);
  w.u8(0);
  w.u32(link);
}

/** Body of RTM_NEWADDR and RTM_DELADDR. */
export function writeAddress(w: MessageWriter, link: number, address: IpValue, prefixLength: number): void {
  w.u8(afOf(address));
  w.u8(prefixLength);
  w.u8(0);
  w.u8(RT_SCOPE_UNIVERSE);
  w.u32(link);
  w.attributeIp(IFA_LOCAL, address);
  w.attributeIp(IFA_ADDRESS, address);
}

/** Undefined for an address of another family. */
export function readAddress(m: MessageReader): AddressMessage | undefined {
  let local: IpValue | undefined;
  let prefix: IpValue | undefined;
  let flags = m.u8(2);
  for (const a = m.openAttributes(HEADER_BYTES); a.next();) {
    if (a.type === IFA_LOCAL) local = a.ip();
    else if (a.type === IFA_ADDRESS) prefix = a.ip();
    else if (a.type === IFA_FLAGS) flags = a.u32();
  }
  // IPv6 sends no IFA_LOCAL unless the device is point-to-point.
  const address = local ?? prefix;
  if (address === undefined) return undefined;
  return { link: m.u32(4), address, prefix: prefix ?? address, prefixLength: m.u8(1), scope: m.u8(3), flags };
}
