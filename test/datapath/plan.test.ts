import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import type { Lease } from '../../src/core/lease.ts';
import { macFrom } from '../../src/core/mac.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { hostBasics } from '../../src/datapath/host-basics.ts';
import { datapathsOf } from '../../src/datapath/paths.ts';
import { planPeers } from '../../src/datapath/plan.ts';
import {
  assertGolden,
  entriesOf,
  entriesText,
  lease,
  partsOf,
  peersOf,
  planText,
  selfAt,
  uplinkAt,
  vxlanAt,
} from './cluster.ts';
import { chooseFirst } from './choose-first.ts';

const NETWORK = '10.42.0.0/16';
const MINE = lease('10.42.1.0/24', '192.168.0.1', { weft: vxlanAt('me') });
const MIXED = { Network: NETWORK, Backend: { Type: 'vxlan', DirectRouting: true } };
const flanneldVxlan = (mac: string, vni = 1) => ({ backend: ['vxlan', { VNI: vni, VtepMAC: mac }] as const });

const CLUSTER = [
  MINE,
  lease('10.42.2.0/24', '192.168.0.2', { weft: vxlanAt('two') }),
  lease('10.42.3.0/24', '192.168.7.3', { weft: vxlanAt('three') }),
  lease('10.42.4.0/24', '192.168.7.4', { weft: { ...vxlanAt('four'), mtuBytes: 1400 } }),
  lease('10.42.5.0/24', '192.168.0.5', flanneldVxlan('ae:00:00:00:00:05')),
  lease('10.42.6.0/24', '192.168.7.6', flanneldVxlan('ae:00:00:00:00:06')),
  lease('10.42.7.0/24', '192.168.0.7', { backend: ['host-gw'] }),
  lease('10.42.8.0/24', '192.168.7.8'),
];

test('each peer gets the first path that works, with reasons for those that do not', async () => {
  await assertGolden('plan-mixed', planText(selfAt(MIXED, MINE, uplinkAt('192.168.0.1')), CLUSTER));
});

test('leases that lie, clash or make no sense are refused with reasons, and harm no other', async () => {
  const leases = [
    ...CLUSTER.slice(0, 3),
    lease('10.43.9.0/24', '192.168.7.9', { weft: vxlanAt('outside') }),
    lease('0.0.0.0/0', '192.168.7.10', { weft: vxlanAt('everything') }),
    lease('10.42.0.0/16', '192.168.7.11', { weft: vxlanAt('whole network') }),
    lease('10.42.1.0/25', '192.168.7.12', { weft: vxlanAt('inside mine') }),
    lease('10.42.13.0/24', '192.168.0.1', { weft: vxlanAt('my address') }),
    lease('10.42.14.0/24', '192.168.7.14', { weft: vxlanAt('me') }),
    lease('10.42.15.0/24', '192.168.7.15', { weft: vxlanAt('three'), epoch: 9 }),
    lease('10.42.16.0/24', '192.168.7.16', { weft: vxlanAt('other vni', 7) }),
    lease('10.42.17.0/24', '192.168.7.17', { weft: vxlanAt('other port', 1, 4789) }),
    lease('10.42.18.0/24', '8.8.8.8', { weft: vxlanAt('public') }),
    lease('10.42.19.0/24', '192.168.7.19', { weft: {} }),
    lease('10.42.20.0/24', '192.168.7.20', { backend: ['vxlan', { VNI: 1, VtepMAC: 'nonsense' }] }),
    lease('10.42.21.0/24', '192.168.7.21', { backend: ['wireguard', { PublicKey: 'x' }] }),
    lease('10.42.2.128/25', '192.168.7.23', { weft: vxlanAt('inside another'), epoch: 9 }),
    lease('10.42.32.0/20', '192.168.7.24', { weft: vxlanAt('wide'), epoch: 9 }),
    lease('10.42.22.0/24', '0.0.0.0', { weft: vxlanAt('nowhere') }),
    lease('10.42.23.0/24', '10.42.23.9', { weft: vxlanAt('inside the network') }),
  ];
  await assertGolden('plan-hostile', planText(selfAt(MIXED, MINE, uplinkAt('192.168.0.1')), leases));
});

test('default paths stand on an own device, and where there is no tunnel the base stands on lo', async () => {
  const auto = selfAt({ Network: NETWORK, Weft: {} }, MINE, uplinkAt('192.168.0.1', { mtuBytes: 9001 }));
  await assertGolden('plan-auto', planText(auto, CLUSTER));
  const direct = selfAt({ Network: NETWORK, Backend: { Type: 'host-gw' } }, MINE, uplinkAt('192.168.0.1'));
  await assertGolden('plan-host-gw', planText(direct, CLUSTER));
});

test('alloc leases subnets and touches no peer', () => {
  const self = selfAt({ Network: NETWORK, Backend: { Type: 'alloc' } }, MINE, uplinkAt('192.168.0.1'));
  assert.deepEqual(new Set(peersOf(self, CLUSTER).map(({ path }) => path)), new Set(['none']));
  assert.deepEqual(entriesOf(self, CLUSTER), []);
});

test('behind a NAT nothing goes direct, and the tunnel leaves from the own address', () => {
  const nat = uplinkAt('192.168.0.1', { publicIP: uplinkAt('203.0.113.7').address });
  const self = selfAt({ ...MIXED, Weft: { AllowPlaintext: true } }, MINE, nat);
  const [plan] = peersOf(self, CLUSTER.slice(0, 2));
  assert.equal(plan?.path, 'vxlan');
  assert.match(plan?.refused[0]?.why ?? '', /behind a NAT/);
  assert.match(entriesText(hostBasics(self, datapathsOf(self.config.paths))).join('\n'), /local 192\.168\.0\.1 /);
});

test('of two peers with one VTEP MAC the one that had it first is reached, whatever the order they are met in', () => {
  const self = selfAt(MIXED, MINE, uplinkAt('192.168.0.1'));
  const first = lease('10.42.3.0/24', '192.168.7.3', { weft: vxlanAt('same'), epoch: 3 });
  const second = lease('10.42.4.0/24', '192.168.7.4', { weft: vxlanAt('same'), epoch: 4 });
  for (const leases of [
    [first, second],
    [second, first],
  ]) {
    const paths = new Map(peersOf(self, leases).map(({ peer, path }) => [peer.key, path]));
    assert.deepEqual([paths.get(first.key), paths.get(second.key)], ['vxlan', 'none']);
  }
});

test('a plan does not depend on the order of the leases', () => {
  const self = selfAt(MIXED, MINE, uplinkAt('192.168.0.1'));
  assert.equal(planText(self, CLUSTER.toReversed()), planText(self, CLUSTER));
});

test('marks are contested exactly when two peers claim one', () => {
  const self = selfAt(MIXED, MINE, uplinkAt('192.168.0.1'), macFrom('me'));
  assert.equal(planPeers(partsOf(self), CLUSTER).marks.contested, false);
  const twin = lease('10.42.99.0/24', '192.168.7.99', { weft: vxlanAt('three') });
  assert.equal(planPeers(partsOf(self), [...CLUSTER, twin]).marks.contested, true);
});

test('no device and no route promises more than the uplink carries, whatever Backend.MTU says', () => {
  const self = selfAt({ ...MIXED, Backend: { ...MIXED.Backend, MTU: 9000 } }, MINE, uplinkAt('192.168.0.1'));
  const [tunnel] = datapathsOf(['vxlan']).flatMap((path) => path.receive(self));
  assert.match(entriesText(tunnel === undefined ? [] : [tunnel]).join(), / mtu 1450 up$/);
  const mtus = peersOf(self, CLUSTER.slice(1, 3)).map(({ path, mtuBytes }) => [path, mtuBytes]);
  assert.deepEqual(mtus, [
    ['direct', 1500],
    ['vxlan', 1450],
  ]);
});

test('a VNI that makes flannel’s name too long for a device gets ours', () => {
  const named = (VNI: number): (string | undefined)[] =>
    datapathsOf(['vxlan']).map((path) =>
      path.device(selfAt({ Network: NETWORK, Backend: { Type: 'vxlan', VNI } }, MINE, uplinkAt('192.168.0.1'))),
    );
  assert.deepEqual([named(9_999_999), named(16_777_215)], [['flannel.9999999'], ['weft.16777215']]);
});

test('two leases of one subnet, which two families allow, are contested: the one that had it first is reached', () => {
  const self = selfAt(MIXED, MINE, uplinkAt('192.168.0.1'));
  const paths = datapathsOf(self.config.paths);
  const first = lease('10.42.3.0/24', '192.168.7.3', { weft: vxlanAt('three'), epoch: 3 });
  const other = lease('10.42.3.0/24', '192.168.7.4', { weft: vxlanAt('four'), epoch: 4 });
  const subnet = { v4: other.subnet.v4, v6: parseSubnet('fd00:42:3::/64') };
  const second: Lease = { ...other, key: leaseKeyOf(subnet), subnet };
  const { peers, marks } = planPeers({ self, paths, choose: chooseFirst, standing: new Map() }, [second, first]);
  assert.deepEqual([peers.get(first.key)?.path, peers.get(second.key)?.path], ['vxlan', 'none']);
  assert.equal(marks.contested, true);
});
