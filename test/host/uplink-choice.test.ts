import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { baseOf, parseSubnet, prefixLengthOf } from '../../src/core/subnet.ts';
import { ipValueOf } from '../../src/host/kernel-values.ts';
import { chooseUplink, type HostPicture } from '../../src/host/uplink-choice.ts';
import type { AddressMessage } from '../../src/native/netlink/address.ts';
import {
  IFA_F_DEPRECATED,
  IFA_F_NOPREFIXROUTE,
  IFA_F_PERMANENT,
  IFA_F_SECONDARY,
  IFA_F_TENTATIVE,
  IFF_UP,
  RT_SCOPE_LINK,
  RTN_UNICAST,
  RTNH_F_DEAD,
  RT_TABLE_MAIN,
} from '../../src/native/netlink/constants.ts';
import type { LinkMessage } from '../../src/native/netlink/link.ts';
import type { RouteMessage } from '../../src/native/netlink/route.ts';

const link = (index: number, name: string, changes: Partial<LinkMessage> = {}): LinkMessage => ({
  index,
  name,
  kind: '',
  flags: IFF_UP,
  changed: 0,
  mtuBytes: 1500,
  ...changes,
});

function address(on: number, text: string, flags = IFA_F_PERMANENT): AddressMessage {
  const [host = '', length = ''] = text.split('/');
  const value = ipValueOf(parseAddress(host));
  return { link: on, address: value, prefix: value, prefixLength: Number(length), scope: 0, flags };
}

function route(on: number, to: string, changes: Partial<RouteMessage> & { readonly via?: string } = {}): RouteMessage {
  const { via, ...rest } = changes;
  const subnet = parseSubnet(to);
  return {
    table: RT_TABLE_MAIN,
    protocol: 3,
    type: RTN_UNICAST,
    scope: via === undefined ? RT_SCOPE_LINK : 0,
    tos: 0,
    flags: 0,
    destination: ipValueOf(baseOf(subnet)),
    prefixLength: prefixLengthOf(subnet),
    link: on,
    gateway: via === undefined ? undefined : ipValueOf(parseAddress(via)),
    source: undefined,
    mtuBytes: undefined,
    priority: 0,
    foreignForm: false,
    ...rest,
  };
}

const anything = { interfaces: [], patterns: [] };

/** One device with a default route, and these addresses. */
const single = (addresses: readonly AddressMessage[], routes: readonly RouteMessage[] = []): HostPicture => ({
  links: [link(2, 'eth0')],
  addresses,
  routes: [route(2, '0.0.0.0/0', { via: '10.0.0.254' }), ...routes],
});

describe('the address of the uplink', () => {
  const chosen = (...addresses: readonly AddressMessage[]): string => chooseUplink(anything, single(addresses)).address;

  it('is the first in the kernel’s order among equals', () => {
    assert.equal(chosen(address(2, '10.0.0.5/24'), address(2, '10.0.1.5/24')), '10.0.0.5');
  });

  it('is global rather than link-local', () => {
    assert.equal(chosen(address(2, '169.254.7.7/16'), address(2, '10.0.0.5/24')), '10.0.0.5');
    assert.equal(chosen(address(2, '169.254.7.7/16')), '169.254.7.7');
  });

  it('is permanent rather than one of DHCP, and first rather than secondary', () => {
    assert.equal(chosen(address(2, '10.0.0.5/24', 0), address(2, '10.0.0.6/24')), '10.0.0.6');
    assert.equal(
      chosen(address(2, '10.0.0.5/24', IFA_F_PERMANENT | IFA_F_SECONDARY), address(2, '10.0.9.6/24')),
      '10.0.9.6',
    );
    assert.equal(chosen(address(2, '169.254.7.7/16'), address(2, '10.0.0.5/24', 0)), '10.0.0.5');
  });

  it('is neither deprecated, tentative, of the loopback nor of IPv6', () => {
    const unusable = [
      address(2, '10.0.0.1/24', IFA_F_PERMANENT | IFA_F_DEPRECATED),
      address(2, '10.0.0.2/24', IFA_F_PERMANENT | IFA_F_TENTATIVE),
      address(2, '127.0.0.9/8'),
      address(2, 'fd00::1/64'),
    ];
    assert.equal(chosen(...unusable, address(2, '10.0.0.5/24', 0)), '10.0.0.5');
    assert.throws(() => chosen(...unusable), {
      code: 'UPLINK_NOT_FOUND',
      message: /eth0 has no usable IPv4 address.*eth0 \(10\.0\.0\.1, 10\.0\.0\.2, 127\.0\.0\.9\)/,
    });
  });
});

describe('the uplink', () => {
  it('is the default route’s device with the lowest metric that is not dead', () => {
    const picture: HostPicture = {
      links: [link(2, 'eth0'), link(3, 'eth1'), link(4, 'eth2')],
      addresses: [address(2, '10.0.0.5/24'), address(3, '10.1.0.5/24'), address(4, '10.2.0.5/24')],
      routes: [
        route(2, '0.0.0.0/0', { via: '10.0.0.254', priority: 200 }),
        route(3, '0.0.0.0/0', { via: '10.1.0.254', priority: 100 }),
        route(4, '0.0.0.0/0', { via: '10.2.0.254', flags: RTNH_F_DEAD }),
      ],
    };
    const uplink = chooseUplink(anything, picture);
    assert.deepEqual([uplink.link, uplink.address, uplink.gateway], ['eth1', '10.1.0.5', '10.1.0.254']);
  });

  it('may have a default route of several next hops: the first decides', () => {
    const picture = single([address(2, '10.0.0.5/24')]);
    const several = { ...picture, routes: picture.routes.map((one) => ({ ...one, foreignForm: true })) };
    assert.equal(chooseUplink(anything, several).link, 'eth0');
  });

  it('of a cloud reaches its gateway alone: a /32 and one route', () => {
    const picture = single([address(2, '10.128.0.5/32')], [route(2, '10.128.0.1/32')]);
    assert.deepEqual(chooseUplink(anything, picture).onLink, ['10.128.0.1/32']);
  });

  it('reaches what its addresses and routes say, each once, and nothing over our own routes', () => {
    const picture = single(
      [address(2, '10.0.0.5/24'), address(2, '10.5.0.5/16', IFA_F_PERMANENT | IFA_F_NOPREFIXROUTE)],
      [
        route(2, '10.0.0.0/24'),
        route(2, '10.9.0.0/16'),
        route(2, '10.42.9.0/24', { protocol: 87 }),
        route(3, '10.8.0.0/16'),
      ],
    );
    assert.deepEqual(chooseUplink(anything, picture).onLink, ['10.0.0.0/24', '10.9.0.0/16']);
  });

  it('is not a device that is named but has no address', () => {
    const picture = { ...single([address(2, '10.0.0.5/24')]), links: [link(3, 'eth1'), link(2, 'eth0')] };
    assert.equal(chooseUplink({ ...anything, interfaces: ['eth1', 'eth0'] }, picture).link, 'eth0');
    assert.equal(chooseUplink({ ...anything, patterns: ['^eth'] }, picture).link, 'eth0');
  });

  it('by a pattern is the device whose address matches, and that address', () => {
    const picture = single([address(2, '10.0.0.5/24'), address(2, '10.0.77.5/24')]);
    assert.equal(chooseUplink({ ...anything, patterns: ['^10[.]0[.]77'] }, picture).address, '10.0.77.5');
  });

  it('comes after all names and patterns by the way to an address, with the source the kernel takes', () => {
    const source = parseAddress('10.0.77.5');
    const picture = {
      ...single([address(2, '10.0.0.5/24'), address(2, '10.0.77.5/24')]),
      reached: { link: 2, source },
    };
    const canReach = parseAddress('192.0.2.1');
    assert.equal(chooseUplink({ ...anything, canReach }, picture).address, source);
    assert.equal(chooseUplink({ ...anything, patterns: ['^10[.]0[.]0'], canReach }, picture).address, '10.0.0.5');
    const { reached: _, ...unreached } = picture;
    assert.throws(() => chooseUplink({ ...anything, canReach }, unreached), {
      code: 'UPLINK_NOT_FOUND',
      message: /the way to 192\.0\.2\.1/,
    });
  });

  it('needs an MTU', () => {
    const picture = { ...single([address(2, '10.0.0.5/24')]), links: [link(2, 'eth0', { mtuBytes: 0 })] };
    assert.throws(() => chooseUplink(anything, picture), { code: 'UPLINK_NOT_FOUND', message: /no MTU/ });
  });
});
