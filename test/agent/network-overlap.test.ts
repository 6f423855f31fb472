import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  refuseFormerNetworks,
  refuseOtherInstances,
  refuseOverlap,
  usersOf,
  type OverlapFacts,
} from '../../src/agent/network-overlap.ts';
import type { InterfaceAddress } from '../../src/contracts/host-network.ts';
import { parseSubnet, tryInterfaceAddress } from '../../src/core/subnet.ts';

function on(link: string, text: string): InterfaceAddress {
  const parsed = tryInterfaceAddress(text);
  assert.ok(parsed);
  return { link, ...parsed };
}

const facts = (addresses: readonly InterfaceAddress[], ownSubnet?: string): OverlapFacts => ({
  network: parseSubnet('10.42.0.0/16'),
  subnetLength: 24,
  addresses,
  devices: ['weft.1'],
  ownSubnet: ownSubnet === undefined ? undefined : parseSubnet(ownSubnet),
});

test('refuses a Network that holds, lies in or equals a network of this host, and names both and the device', () => {
  for (const [address, range] of [
    ['10.42.7.9/24', '10.42.7.0/24'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.42.0.1/16', '10.42.0.0/16'],
  ] as const) {
    assert.throws(() => refuseOverlap(facts([on('eth1', address)])), {
      code: 'NETWORK_OVERLAP',
      message: `Network 10.42.0.0/16 overlaps ${range}, which this host has on eth1 (${address})`,
    });
  }
});

test('what is there because of us is no overlap: tunnel devices, the base, bridges in the subnet this host had', () => {
  refuseOverlap(
    facts(
      [
        on('weft.1', '10.42.7.0/32'),
        on('lo', '10.42.7.0/32'),
        on('docker0', '10.42.7.1/24'),
        on('eth0', '192.168.0.1/24'),
      ],
      '10.42.7.0/24',
    ),
  );
  refuseOverlap(facts([on('lo', '10.42.7.0/32')]));
  assert.throws(() => refuseOverlap(facts([on('docker0', '10.42.7.1/24')])), { code: 'NETWORK_OVERLAP' });
  assert.throws(() => refuseOverlap(facts([on('docker0', '10.42.7.1/23')], '10.42.7.0/24')), {
    code: 'NETWORK_OVERLAP',
  });
  assert.throws(() => refuseOverlap(facts([on('lo', '10.42.7.9/32')])), { code: 'NETWORK_OVERLAP' });
});

test('refuses a Network that overlaps that of another daemon which runs on this host, and names it', () => {
  const network = parseSubnet('10.42.0.0/16');
  const other = (text: string) => ({
    folder: `/var/lib/weftd/${text[3]}`,
    network: parseSubnet(text),
    previousNetworks: [],
  });
  refuseOtherInstances(network, []);
  refuseOtherInstances(network, [other('10.43.0.0/16'), other('10.41.0.0/16')]);
  for (const text of ['10.42.64.0/18', '10.0.0.0/8', '10.42.0.0/16'])
    assert.throws(() => refuseOtherInstances(network, [other('10.43.0.0/16'), other(text)]), {
      code: 'NETWORK_OVERLAP',
      message: `Network 10.42.0.0/16 overlaps ${text}, the Network of another weftd that runs on this host (/var/lib/weftd/${text[3]})`,
    });
});

test('a Network whose routes another daemon has yet to remove is refused for as long as that takes', () => {
  const others = [
    {
      folder: '/var/lib/weftd/2',
      network: parseSubnet('10.43.0.0/16'),
      previousNetworks: ['10.41.0.0/16', '10.42.0.0/17'].map(parseSubnet),
    },
  ];
  assert.throws(() => refuseFormerNetworks(parseSubnet('10.42.0.0/16'), others), {
    code: 'NETWORK_OVERLAP',
    message: /^Network 10\.42\.0\.0\/16 overlaps 10\.42\.0\.0\/17, which was .*\/var\/lib\/weftd\/2/,
  });
  refuseFormerNetworks(parseSubnet('10.44.0.0/16'), others);
});

test('a subnet is in use by devices with an address in it, our own and our base apart', () => {
  const subnet = parseSubnet('10.42.7.0/24');
  const addresses = [
    on('docker0', '10.42.7.1/24'),
    on('weft.1', '10.42.7.0/32'),
    on('weft.2', '10.42.7.0/32'),
    on('lo', '10.42.7.0/32'),
    on('br1', '10.42.8.1/24'),
    on('lo', '10.42.7.5/32'),
  ];
  assert.deepEqual(usersOf(subnet, addresses, ['weft.1']), ['docker0 (10.42.7.1/24)', 'lo (10.42.7.5/32)']);
});
