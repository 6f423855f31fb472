/** Addresses: ours, and all of this host. */
import type { InterfaceAddress } from '../contracts/host-network.ts';
import type { LinkAddress } from '../core/host-entry.ts';
import { readAddress, writeAddressQuery, type AddressMessage } from '../native/netlink/address.ts';
import { AF_INET, AF_INET6, AF_UNSPEC, RT_SCOPE_LINK, RTM_GETADDR, RTM_GETLINK } from '../native/netlink/constants.ts';
import { readLink, writeLinkQuery, type LinkMessage } from '../native/netlink/link.ts';
import type { RouteSocket } from '../native/route-socket.ts';
import { addressOf } from './kernel-values.ts';

export const allAddresses = (socket: RouteSocket): AddressMessage[] =>
  socket.dump(RTM_GETADDR, (w) => writeAddressQuery(w, AF_UNSPEC), readAddress);

/** In the kernel's order, which is that of their making. */
export const allLinks = (socket: RouteSocket): LinkMessage[] =>
  socket.dump(RTM_GETLINK, (w) => writeLinkQuery(w), readLink);

/** Those of one device. The kernel's own link-local IPv6 address of each device is none of ours. */
export function addressesOf(socket: RouteSocket, link: LinkMessage, version: 4 | 6): LinkAddress[] {
  return socket.dump(
    RTM_GETADDR,
    (w) => writeAddressQuery(w, version === 4 ? AF_INET : AF_INET6, link.index),
    (m) => {
      const found = readAddress(m);
      if (found === undefined || found.link !== link.index || (version === 6 && found.scope === RT_SCOPE_LINK))
        return undefined;
      return { kind: 'address', link: link.name, address: addressOf(found.address), prefixLength: found.prefixLength };
    },
  );
}

export function interfaceAddresses(socket: RouteSocket): InterfaceAddress[] {
  const names = new Map(allLinks(socket).map(({ index, name }) => [index, name]));
  return allAddresses(socket).flatMap(({ link, address, prefixLength }) => {
    const name = names.get(link);
    return name === undefined ? [] : [{ link: name, address: addressOf(address), prefixLength }];
  });
}
