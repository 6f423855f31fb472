/** What flannel's other backends make of a host, and which plain peers each of them reaches. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { macFrom } from '../../src/core/mac.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { hostBasics } from '../../src/datapath/host-basics.ts';
import { datapathsOf } from '../../src/datapath/paths.ts';
import { entriesOf, entriesText, lease, peersOf, selfAt, uplinkAt, vxlanAt } from './cluster.ts';

const OWN = lease('10.42.1.0/24', '192.168.0.1', { weft: {} });
const at = (Backend: JsonValue, Weft?: JsonValue) =>
  selfAt({ Network: '10.42.0.0/16', Backend, ...(Weft === undefined ? {} : { Weft }) }, OWN, uplinkAt('192.168.0.1'));
const basicsOf = (self: ReturnType<typeof at>): string[] =>
  entriesText(hostBasics(self, datapathsOf(self.config.paths)));

const MAC = macFrom('flanneld');
const plain = {
  vxlan: lease('10.42.2.0/24', '192.168.0.2', { backend: ['vxlan', { VNI: 1, VtepMAC: MAC }] }),
  hostGw: lease('10.42.3.0/24', '192.168.0.3', { backend: ['host-gw'] }),
  udp: lease('10.42.4.0/24', '192.168.0.4'),
  extension: lease('10.42.5.0/24', '192.168.0.5', { backend: ['extension', 'their mac'] }),
  ipip: lease('10.42.6.0/24', '192.168.0.6', { backend: ['ipip'] }),
};

/** `10.42.2.0/24 vxlan`, or why not. */
const reached = (self: ReturnType<typeof at>): string[] =>
  peersOf(self, Object.values(plain)).map(
    ({ peer, path, refused }) => `${peer.subnet.v4} ${path}${refused.map(({ why }) => `: ${why}`).join('')}`,
  );

test('alloc gives a lease and leaves the kernel alone, but for the accept that flannel sets whatever the backend', () => {
  const self = at({ Type: 'alloc' });
  assert.deepEqual(basicsOf(self), ['accept forwarded 10.42.0.0/16']);
  assert.deepEqual(entriesOf(self, Object.values(plain)), []);
});

test('alloc masquerades when asked for, and accepts nothing where --iptables-forward-rules=false', () => {
  const { firewall, ...rest } = at({ Type: 'alloc' });
  assert.deepEqual(basicsOf({ ...rest, firewall: { ...firewall, masquerade: 'plain', acceptForwarded: false } }), [
    'masquerade 10.42.0.0/16 own 10.42.1.0/24',
  ]);
});

test('extension forwards, and leaves every route to its commands', () => {
  const self = at({ Type: 'extension', SubnetAddCommand: 'add' });
  assert.deepEqual(basicsOf(self), ['accept forwarded 10.42.0.0/16', 'sysctl net/ipv4/ip_forward=1']);
  assert.deepEqual(entriesOf(self, Object.values(plain)), [
    {
      kind: 'extension',
      subnet: '10.42.5.0/24',
      publicIP: '192.168.0.5',
      data: 'their mac',
      add: 'add',
      remove: '',
    },
  ]);
});

test('a plain flanneld is reached by what it advertises, and each refusal says what that is', () => {
  const other = (type: string): string =>
    `the peer advertises ${type}, and the commands reach peers of extension alone`;
  assert.deepEqual(reached(at({ Type: 'extension' })), [
    `10.42.2.0/24 none: ${other('vxlan')}`,
    `10.42.3.0/24 none: ${other('host-gw')}`,
    `10.42.4.0/24 none: ${other('udp')}`,
    '10.42.5.0/24 extension',
    `10.42.6.0/24 none: ${other('ipip')}`,
  ]);
  const alone = (type: string): string => `the peer advertises ${type} alone, without Weft`;
  assert.deepEqual(reached(at({ Type: 'host-gw' })), [
    `10.42.2.0/24 none: ${alone('vxlan')}`,
    '10.42.3.0/24 direct',
    `10.42.4.0/24 none: ${alone('udp')}`,
    `10.42.5.0/24 none: ${alone('extension')}`,
    `10.42.6.0/24 none: ${alone('ipip')}`,
  ]);
  assert.deepEqual(reached(at({ Type: 'vxlan' })), [
    '10.42.2.0/24 vxlan',
    `10.42.3.0/24 none: ${alone('host-gw')}`,
    `10.42.4.0/24 none: ${alone('udp')}`,
    `10.42.5.0/24 none: ${alone('extension')}`,
    `10.42.6.0/24 none: ${alone('ipip')}`,
  ]);
});

test('vxlan says why a peer of its own kind is out of reach', () => {
  const why = (backend: JsonValue, peer: ReturnType<typeof lease>): string =>
    peersOf(at(backend), [peer])[0]
      ?.refused.map((one) => one.why)
      .join() ?? '';
  const flanneld = (data: JsonValue) => lease('10.42.2.0/24', '192.168.0.2', { backend: ['vxlan', data] });
  assert.equal(
    why({ Type: 'vxlan', VNI: 7 }, flanneld({ VNI: 1, VtepMAC: MAC })),
    'the peer is on VNI 1, this host on 7',
  );
  assert.equal(why({ Type: 'vxlan', VNI: 7 }, flanneld({ VtepMAC: MAC })), '');
  assert.equal(
    why({ Type: 'vxlan' }, flanneld({ VNI: 1, VtepMAC: 'x' })),
    'the BackendData of the peer holds no VNI and VtepMAC of vxlan',
  );
  assert.equal(
    why({ Type: 'vxlan', Port: 4789 }, lease('10.42.2.0/24', '192.168.0.2', { weft: vxlanAt('peer') })),
    'the peer listens on UDP port 8472, this host sends to 4789',
  );
  assert.equal(
    why({ Type: 'vxlan' }, lease('10.42.2.0/24', '192.168.0.2', { weft: {} })),
    'the peer advertises no vxlan endpoint',
  );
});

test('host-gw says that a peer is off the link', () => {
  const far = lease('10.42.3.0/24', '192.168.7.3', { backend: ['host-gw'] });
  assert.deepEqual(peersOf(at({ Type: 'host-gw' }), [far])[0]?.refused, [
    { path: 'direct', why: '192.168.7.3 is not on the link of eth0 (192.168.0.0/24)' },
  ]);
});
