/** The device and address towards the other hosts, chosen from what this host has. Pure. After flannel's rules, but for a public address that no device has. */
import type { UplinkChoice } from '../contracts/host-network.ts';
import { tryAddress, type Address } from '../core/address.ts';
import { WeftError } from '../core/errors.ts';
import { goPattern } from '../core/go-pattern.ts';
import { ROUTE_PROTOCOL } from '../core/instance.ts';
import { contains, parseSubnet, subnetOf, type Subnet } from '../core/subnet.ts';
import type { Uplink } from '../core/uplink.ts';
import type { AddressMessage } from '../native/netlink/address.ts';
import {
  IFA_F_DADFAILED,
  IFA_F_DEPRECATED,
  IFA_F_NOPREFIXROUTE,
  IFA_F_PERMANENT,
  IFA_F_SECONDARY,
  IFA_F_TENTATIVE,
  RT_SCOPE_LINK,
  RT_TABLE_MAIN,
  RTN_UNICAST,
  RTNH_F_DEAD,
} from '../native/netlink/constants.ts';
import type { LinkMessage } from '../native/netlink/link.ts';
import type { RouteMessage } from '../native/netlink/route.ts';
import { addressOf, macAddressOf, subnetFrom } from './kernel-values.ts';

/** IPv4 alone: what Weft carries today. */
export interface HostPicture {
  readonly links: readonly LinkMessage[];
  readonly addresses: readonly AddressMessage[];
  /** Default routes, and routes that need no gateway. */
  readonly routes: readonly RouteMessage[];
  /** Where a packet to `canReach` leaves, and from which address. */
  readonly reached?: { readonly link: number; readonly source?: Address };
}

interface Found {
  readonly link: LinkMessage;
  /** Undefined: the best that the device has. */
  readonly address?: Address;
}

const LOOPBACK = parseSubnet('127.0.0.0/8');
const LINK_LOCAL = parseSubnet('169.254.0.0/16');
const MULTICAST = parseSubnet('224.0.0.0/4');
const UNUSABLE_FLAGS = IFA_F_DEPRECATED | IFA_F_TENTATIVE | IFA_F_DADFAILED;

/** @throws WeftError UPLINK_NOT_FOUND, BAD_OPTION for a pattern that is none */
export function chooseUplink(choice: UplinkChoice, picture: HostPicture): Uplink {
  const { link, address: asked } = find(choice, picture);
  const address = asked ?? addressesOn(picture, link.index, choice.standing)[0];
  if (address === undefined) throw notFound(`device ${link.name} has no usable IPv4 address`, picture);
  if (link.mtuBytes === 0) throw notFound(`device ${link.name} has no MTU`, picture);
  const gateway = defaultRoutes(picture).find(
    (route) => route.link === link.index && route.gateway !== undefined,
  )?.gateway;
  return {
    link: link.name,
    address,
    publicIP: choice.publicIP ?? address,
    mtuBytes: link.mtuBytes,
    mac: link.mac === undefined ? undefined : macAddressOf(link.mac),
    onLink: onLinkRanges(picture, link.index),
    ...(gateway === undefined ? {} : { gateway: addressOf(gateway) }),
  };
}

function find(choice: UplinkChoice, picture: HostPicture): Found {
  const { interfaces, patterns, canReach, publicIP } = choice;
  if (interfaces.length === 0 && patterns.length === 0 && canReach === undefined) {
    // flannel gives up when no device has the public address; behind a NAT none ever has, so the default route decides and the address is only advertised.
    const owner = publicIP === undefined ? undefined : ownerOf(picture, publicIP);
    const found = owner ?? ofDefaultRoute(picture);
    if (found === undefined) throw notFound('there is no default route', picture);
    return found;
  }
  for (const name of interfaces) {
    const address = tryAddress(name);
    const link = picture.links.find((one) => one.name === name);
    const found = address !== undefined ? ownerOf(picture, address) : link === undefined ? undefined : { link };
    if (found !== undefined && (found.address !== undefined || addressesOn(picture, found.link.index).length > 0))
      return found;
  }
  for (const pattern of patterns) {
    const found = matching(pattern, picture, choice.standing);
    if (found !== undefined) return found;
  }
  const { reached } = picture;
  const link = reached === undefined ? undefined : picture.links.find(({ index }) => index === reached.link);
  if (link !== undefined) return reached?.source === undefined ? { link } : { link, address: reached.source };
  const looked = [
    ...interfaces.map((name) => `interface ${name}`),
    ...patterns.map((pattern) => `pattern ${pattern}`),
    ...(canReach === undefined ? [] : [`the way to ${canReach}`]),
  ];
  throw notFound(`looked for ${looked.join(', ')}`, picture);
}

/** Addresses first, each device in the kernel's order; then names. */
function matching(pattern: string, picture: HostPicture, standing: Address | undefined): Found | undefined {
  const read = goPattern(pattern);
  if ('why' in read) throw new WeftError('BAD_OPTION', `interface pattern "${pattern}": ${read.why}`);
  const { expression } = read;
  for (const link of picture.links) {
    const address = addressesOn(picture, link.index, standing).find((one) => expression.test(one));
    if (address !== undefined) return { link, address };
  }
  const link = picture.links.find(({ name, index }) => expression.test(name) && addressesOn(picture, index).length > 0);
  return link === undefined ? undefined : { link };
}

function ownerOf(picture: HostPicture, address: Address): Found | undefined {
  const owner = picture.addresses.find(
    (one) => typeof one.address === 'number' && addressOf(one.address) === address,
  )?.link;
  const link = picture.links.find(({ index }) => index === owner);
  return link === undefined ? undefined : { link, address };
}

const defaultRoutes = (picture: HostPicture): RouteMessage[] =>
  picture.routes
    .filter(
      ({ table, prefixLength, type, flags, link }) =>
        table === RT_TABLE_MAIN &&
        prefixLength === 0 &&
        type === RTN_UNICAST &&
        (flags & RTNH_F_DEAD) === 0 &&
        link !== 0,
    )
    .toSorted((a, b) => a.priority - b.priority);

function ofDefaultRoute(picture: HostPicture): Found | undefined {
  for (const route of defaultRoutes(picture)) {
    const link = picture.links.find(({ index }) => index === route.link);
    if (link !== undefined) return { link };
  }
  return undefined;
}

/** Usable ones, the best first: global before link-local, the one in use before others, permanent before dynamic, first before secondary, else the kernel's order. */
function addressesOn(picture: HostPicture, link: number, standing?: Address): Address[] {
  const rank = ({ flags }: AddressMessage, address: Address): number =>
    (contains(LINK_LOCAL, address) ? 8 : 0) +
    (address === standing ? 0 : 4) +
    ((flags & IFA_F_PERMANENT) === 0 ? 2 : 0) +
    ((flags & IFA_F_SECONDARY) === 0 ? 0 : 1);
  return picture.addresses
    .filter((one) => one.link === link && typeof one.address === 'number' && (one.flags & UNUSABLE_FLAGS) === 0)
    .map((one) => ({ one, address: addressOf(one.address) }))
    .filter(({ address }) => !contains(LOOPBACK, address) && !contains(MULTICAST, address))
    .toSorted((a, b) => rank(a.one, a.address) - rank(b.one, b.address))
    .map(({ address }) => address);
}

/** Ranges of the device's addresses, and routes over it that need no gateway. Clouds give a /32 and a route to the gateway alone. */
function onLinkRanges(picture: HostPicture, link: number): Subnet[] {
  const ranges = picture.addresses
    .filter(
      (one) =>
        one.link === link &&
        typeof one.prefix === 'number' &&
        one.prefixLength < 32 &&
        (one.flags & IFA_F_NOPREFIXROUTE) === 0,
    )
    .map(({ prefix, prefixLength }) => subnetOf(addressOf(prefix), prefixLength));
  const routes = picture.routes
    .filter(
      (route) =>
        route.table === RT_TABLE_MAIN &&
        route.link === link &&
        route.gateway === undefined &&
        route.scope === RT_SCOPE_LINK,
    )
    .filter(
      (route) =>
        route.type === RTN_UNICAST && route.prefixLength > 0 && route.protocol !== ROUTE_PROTOCOL && !route.foreignForm,
    )
    .map((route) => subnetFrom(route.destination, route.prefixLength));
  // In an order of our own, so that two looks at one state are equal.
  return [...new Set([...ranges, ...routes])].toSorted((a, b) => (a < b ? -1 : 1));
}

function notFound(why: string, picture: HostPicture): WeftError {
  const there = picture.links.map(({ name, index }) => {
    const own = picture.addresses
      .filter(({ link, address }) => link === index && typeof address === 'number')
      .map(({ address }) => addressOf(address));
    return `${name}${own.length === 0 ? '' : ` (${own.join(', ')})`}`;
  });
  return new WeftError(
    'UPLINK_NOT_FOUND',
    `no uplink: ${why}; this host has ${there.length === 0 ? 'no devices' : there.join(', ')}`,
    {
      hint: 'name the device towards the other hosts with --iface, or wait for its address and default route',
    },
  );
}
