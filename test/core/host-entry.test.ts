import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '../../src/core/address.ts';
import {
  HOST_ENTRIES,
  describeHostEntry,
  hostEntryKey,
  hostEntryOrder,
  linkIsRemade,
  linkUnder,
  sameHostEntry,
  type HostEntry,
  type Route,
  type VxlanLink,
} from '../../src/core/host-entry.ts';
import { macFrom } from '../../src/core/mac.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { hostEntry } from './arbitraries.ts';

const link: VxlanLink = {
  kind: 'link',
  name: 'flannel.1',
  vni: 1,
  port: 8472,
  local: parseAddress('10.0.0.1'),
  uplink: 'eth0',
  mtuBytes: 1450,
  mac: macFrom('a'),
  learning: false,
  gbp: false,
  up: true,
};
const route: Route = {
  kind: 'route',
  destination: parseSubnet('10.42.5.0/24'),
  link: 'flannel.1',
  via: parseAddress('10.42.5.0'),
  onlink: true,
  source: parseAddress('10.42.7.0'),
  mtuBytes: 1450,
};

describe('host entries', () => {
  it('keep their identity when their state changes', () => {
    assert.equal(hostEntryKey(link), hostEntryKey({ ...link, mtuBytes: 1400, up: false, mac: macFrom('b') }));
    assert.equal(hostEntryKey(route), hostEntryKey({ ...route, link: 'eth0', onlink: false }));
  });

  it('of one destination with two metrics are two, and so is the refusal of that destination', () => {
    const { destination } = route;
    const all: HostEntry[] = [route, { ...route, metric: 8700 }, { ...route, metric: 8702 }];
    assert.equal(new Set([...all, { kind: 'unreachable', destination } as const].map(hostEntryKey)).size, 4);
  });

  it('of different kinds never share a key', () => {
    fc.assert(fc.property(hostEntry, hostEntry, (a, b) => a.kind === b.kind || hostEntryKey(a) !== hostEntryKey(b)));
  });

  it('have one key exactly when order, place and name are one, and no two kinds have one order', () => {
    const { order, place, name } = HOST_ENTRIES;
    fc.assert(
      fc.property(hostEntry, hostEntry, (a, b) => {
        const isOne = order(a) === order(b) && place(a) === place(b) && name(a) === name(b);
        assert.equal(isOne, hostEntryKey(a) === hostEntryKey(b));
        assert.ok(order(a) !== order(b) || a.kind === b.kind);
      }),
    );
  });

  it('are not the same when any member differs, is missing, or is there beside', () => {
    fc.assert(
      fc.property(hostEntry, (entry) => {
        for (const member of Object.keys(entry)) {
          const other = { ...entry, [member]: 'other' } as HostEntry;
          const without = Object.fromEntries(Object.entries(entry).filter(([key]) => key !== member));
          for (const changed of [other, without as unknown as HostEntry])
            assert.ok(!sameHostEntry(entry, changed) && !sameHostEntry(changed, entry), member);
        }
        assert.equal(sameHostEntry(entry, { ...entry }), true);
      }),
    );
  });

  it('are the same when every member is, one that is absent included', () => {
    const { mtuBytes: _, ...without } = route;
    assert.equal(sameHostEntry(route, { ...route }), true);
    assert.equal(sameHostEntry(route, without), false);
    assert.equal(sameHostEntry(without, route), false);
    assert.equal(sameHostEntry(without, { ...without }), true);
  });

  it('are put so that each finds what it stands on, the route after all it needs', () => {
    const order = ['unreachable', 'link', 'sysctl', 'address', 'fdb', 'neighbour', 'route', 'route'];
    const entries: HostEntry[] = [
      { ...route, metric: 8702 },
      { kind: 'neighbour', link: 'flannel.1', address: parseAddress('10.42.5.0'), mac: macFrom('b') },
      { kind: 'unreachable', destination: parseSubnet('10.42.0.0/16') },
      route,
      { kind: 'fdb', link: 'flannel.1', mac: macFrom('b'), remote: parseAddress('10.0.0.2') },
      { kind: 'address', link: 'flannel.1', address: parseAddress('10.42.7.0'), prefixLength: 32 },
      { kind: 'sysctl', name: 'net/ipv4/conf/flannel.1/rp_filter', value: '2', link: 'flannel.1' },
      link,
    ];
    entries.sort((a, b) => hostEntryOrder(a) - hostEntryOrder(b));
    assert.deepEqual(
      entries.map(({ kind }) => kind),
      order,
    );
    assert.equal(entries.at(-2), route, 'and the one that stands by after it, so that it also goes before it');
  });

  it('a device is made anew for what the kernel cannot change, and kept for the rest', () => {
    for (const changed of [
      { vni: 2 },
      { port: 4789 },
      { local: parseAddress('10.0.0.9') },
      { uplink: 'eth1' },
      { learning: true },
      { gbp: true },
    ]) {
      assert.equal(linkIsRemade(link, { ...link, ...changed }), true, JSON.stringify(changed));
    }
    for (const changed of [{ mtuBytes: 1400 }, { mac: macFrom('z') }, { up: false }]) {
      assert.equal(linkIsRemade(link, { ...link, ...changed }), false, JSON.stringify(changed));
    }
  });

  it('name the device that they vanish with', () => {
    assert.equal(linkUnder(route), 'flannel.1');
    assert.equal(linkUnder(link), undefined);
    assert.equal(linkUnder({ kind: 'sysctl', name: 'net/ipv4/ip_forward', value: '1' }), undefined);
  });

  it('describe themselves in one line, in words of ip(8)', () => {
    assert.equal(
      describeHostEntry(route),
      'route 10.42.5.0/24 via 10.42.5.0 dev flannel.1 src 10.42.7.0 mtu 1450 onlink',
    );
    assert.equal(
      describeHostEntry(link),
      `link flannel.1 vxlan id 1 local 10.0.0.1 dev eth0 dstport 8472 nolearning address ${link.mac} mtu 1450 up`,
    );
    fc.assert(fc.property(hostEntry, (entry) => !describeHostEntry(entry).includes('undefined')));
  });

  it('describe two states of one thing differently', () => {
    fc.assert(
      fc.property(hostEntry, hostEntry, (a, b) => {
        // A daemon meets no masquerade but its own: its text names no instance.
        fc.pre(a.kind !== 'masquerade' || b.kind !== 'masquerade' || a.instance === b.instance);
        return sameHostEntry(a, b) === (describeHostEntry(a) === describeHostEntry(b));
      }),
    );
  });
});
