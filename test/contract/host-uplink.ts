/** The choice of the uplink: flannel's rules (FLANNEL: interface selection), but for a public address that no device has. */
import assert from 'node:assert/strict';
import type { UplinkChoice } from '../../src/contracts/host-network.ts';
import { parseAddress } from '../../src/core/address.ts';
import { never, SIDE, UPLINK, type HostWorld } from './host-world.ts';

type World = (title: string, body: (world: HostWorld) => Promise<void>) => void;

const NAT = parseAddress('203.0.113.5');

export function hostUplinkContract(world: World): void {
  const chosen = (title: string, choice: Partial<UplinkChoice>, expected: string): void =>
    world(`chooses ${title}`, async ({ host }) => {
      const uplink = await host.uplink({ interfaces: [], patterns: [], ...choice }, never());
      assert.equal(`${uplink.link} ${uplink.address} as ${uplink.publicIP}`, expected);
    });
  const up = `${UPLINK} 192.168.7.1`;
  const side = `${SIDE} 192.168.9.1`;

  chosen('the device of the default route when nothing is asked for', {}, `${up} as 192.168.7.1`);
  chosen('the device by name', { interfaces: [SIDE] }, `${side} as 192.168.9.1`);
  chosen('the device by its address', { interfaces: ['192.168.9.1'] }, `${side} as 192.168.9.1`);
  chosen('the first of several that is there', { interfaces: ['gone0', SIDE, UPLINK] }, `${side} as 192.168.9.1`);
  chosen('by a pattern of addresses', { patterns: ['^192[.]168[.]9[.]'] }, `${side} as 192.168.9.1`);
  chosen(
    'by a pattern of names where no address matches',
    { patterns: ['^nothing', '^side'] },
    `${side} as 192.168.9.1`,
  );
  chosen('names before patterns', { interfaces: [UPLINK], patterns: ['^side'] }, `${up} as 192.168.7.1`);
  chosen('the way to an address', { canReach: parseAddress('192.168.9.77') }, `${side} as 192.168.9.1`);
  chosen('the device that has the public address', { publicIP: parseAddress('192.168.9.1') }, `${side} as 192.168.9.1`);
  chosen(
    'the default route where the public address is a NAT’s, and advertises that',
    { publicIP: NAT },
    `${up} as ${NAT}`,
  );
  chosen(
    'the named device, and advertises the public address',
    { interfaces: [SIDE], publicIP: NAT },
    `${side} as ${NAT}`,
  );

  world('says of the uplink what the paths need to know', async ({ host }) => {
    const { mac, ...uplink } = await host.uplink({ interfaces: [], patterns: [] }, never());
    assert.match(mac ?? '', /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    assert.deepEqual(uplink, {
      link: UPLINK,
      address: '192.168.7.1',
      publicIP: '192.168.7.1',
      mtuBytes: 1500,
      onLink: ['192.168.7.0/24'],
      gateway: '192.168.7.254',
    });
    const other = await host.uplink({ interfaces: [SIDE], patterns: [] }, never());
    assert.deepEqual([other.mtuBytes, other.gateway, other.onLink], [1400, undefined, ['192.168.9.0/24']]);
  });

  world('says what it looked for and what there is when it finds none', async ({ host, hand }) => {
    await assert.rejects(host.uplink({ interfaces: ['gone0'], patterns: ['^zzz'] }, never()), {
      code: 'UPLINK_NOT_FOUND',
      message: /interface gone0, pattern \^zzz.*up0 \(192\.168\.7\.1\).*side0 \(192\.168\.9\.1\)/,
    });
    await assert.rejects(host.uplink({ interfaces: [], patterns: ['('] }, never()), {
      code: 'BAD_OPTION',
      message: /"\("/,
    });
    hand.removeDevice(UPLINK);
    await assert.rejects(host.uplink({ interfaces: [], patterns: [] }, never()), {
      code: 'UPLINK_NOT_FOUND',
      message: /no default route/,
    });
  });
}
