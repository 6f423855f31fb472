import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withoutShared } from '../../src/commands/hand-over.ts';
import { parseAddress } from '../../src/core/address.ts';
import { describeHostEntry, type HostEntry, type Route, type VxlanLink } from '../../src/core/host-entry.ts';
import { macFrom } from '../../src/core/mac.ts';
import { parseSubnet } from '../../src/core/subnet.ts';

const NETWORK = parseSubnet('10.42.0.0/16');
const BASE = parseAddress('10.42.1.0');

const vxlan = (name: string): VxlanLink => ({
  kind: 'link',
  name,
  vni: 1,
  port: 8472,
  local: parseAddress('192.168.0.1'),
  uplink: 'eth0',
  mtuBytes: 1450,
  mac: macFrom('me'),
  learning: false,
  gbp: false,
  up: true,
});
const route = (link: string, more: Partial<Route> = {}): Route => ({
  kind: 'route',
  destination: parseSubnet('10.42.2.0/24'),
  via: parseAddress('10.42.2.0'),
  link,
  onlink: true,
  source: BASE,
  ...more,
});
const onDevice = (link: string): HostEntry[] => [
  { kind: 'address', link, address: BASE, prefixLength: 32 },
  { kind: 'neighbour', link, address: parseAddress('10.42.2.0'), mac: macFrom('b') },
  { kind: 'fdb', link, mac: macFrom('b'), remote: parseAddress('192.168.0.2') },
  route(link),
];
const OWN: readonly HostEntry[] = [
  { kind: 'unreachable', destination: NETWORK },
  { kind: 'accept', network: NETWORK },
  { kind: 'masquerade', instance: '0123abcd', network: NETWORK, subnet: undefined, fullyRandom: false },
  { kind: 'file', path: '/run/systemd/networkd.conf.d/60-weft-0123abcd.conf', text: '' },
];
const texts = (entries: readonly HostEntry[]): string[] => entries.map(describeHostEntry).toSorted();

describe('of what stands on a host that goes back to flanneld', () => {
  it('the device of flannel’s name stays with all on it, but for routes for probes', () => {
    const probes = [route('flannel.1', { metric: 8702 }), route('eth0', { metric: 8700 })];
    assert.deepEqual(
      texts(withoutShared([vxlan('flannel.1'), ...onDevice('flannel.1'), ...probes, ...OWN])),
      texts([...probes, ...OWN]),
    );
  });

  it('a device of another name goes with all on it', () => {
    const alone = [vxlan('weft.1'), ...onDevice('weft.1')];
    assert.deepEqual(texts(withoutShared([...alone, ...OWN])), texts([...alone, ...OWN]));
  });

  it('flannel’s udp device stays, and another goes', () => {
    const tun = (name: string): HostEntry => ({ kind: 'tun', name, mtuBytes: 1472, up: true });
    const own = [tun('weft.udp8286'), ...onDevice('weft.udp8286')];
    assert.deepEqual(texts(withoutShared([tun('flannel0'), ...onDevice('flannel0'), ...own])), texts(own));
  });

  it('the base on lo stays for as long as a route of traffic names it as its source', () => {
    const base: HostEntry = { kind: 'address', link: 'lo', address: BASE, prefixLength: 32 };
    const traffic = route('eth0', { via: parseAddress('192.168.0.2'), onlink: false });
    assert.deepEqual(withoutShared([base, traffic]), []);
    assert.deepEqual(withoutShared([base, route('eth0', { metric: 8700 })]).length, 2);
    assert.deepEqual(withoutShared([base, { ...traffic, source: parseAddress('192.168.0.1') }]), [base]);
  });

  it('peers that commands have added stay with them', () => {
    assert.deepEqual(
      withoutShared([
        {
          kind: 'extension',
          subnet: parseSubnet('10.42.2.0/24'),
          publicIP: parseAddress('192.168.0.2'),
          data: '',
          add: 'a',
          remove: 'r',
        },
      ]),
      [],
    );
  });
});
