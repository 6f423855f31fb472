/** The user-space tunnel: its device, the engine that serves it, and the peers in the engine's table. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { hostEntryKey } from '../../src/core/host-entry.ts';
import {
  BASE,
  lines,
  loopback,
  make,
  never,
  outcomes,
  puts,
  removes,
  replaces,
  scope,
  seen,
  type HostWorld,
} from './host-world.ts';
import { udpEntries } from './udp-entries.ts';

type World = (title: string, body: (world: HostWorld) => Promise<void>) => void;

const NAME = 'weft.udp8295';
const { device, address, socket, peer, route } = udpEntries(NAME, 8295, BASE);
const ALL = [device, address, socket, peer(8), peer(9), route(8), route(9)];
const within = { ...scope, links: [NAME] };

/** @param noTun why this host may have no such device */
export function hostUdpContract(world: World, noTun: string | false = false): void {
  if (noTun !== false) {
    it('has a tunnel through UDP', { skip: noTun }, () => {});
    return;
  }
  world('sees a tunnel through UDP just as it was put, and nothing when it was removed', async ({ host }) => {
    await make(host, puts(...ALL));
    assert.equal(await seen(host, within), lines(ALL));
    await make(host, puts(...ALL));
    await make(host, removes(...ALL.toReversed()));
    assert.equal(await seen(host, within), '');
    await make(host, removes(...ALL.toReversed()));
  });

  world(
    'changes the size of its device, the port of its engine and its peers, and keeps the rest',
    async ({ host }) => {
      const smaller = { ...device, mtuBytes: 1372 };
      const other = { ...socket, port: 8296 };
      const moved = { ...peer(8), remote: parseAddress('192.168.7.88') };
      await make(host, puts(...ALL));
      await make(host, [...replaces(device, smaller), ...replaces(socket, other), ...replaces(peer(8), moved)]);
      assert.equal(await seen(host, within), lines([smaller, address, other, moved, peer(9), route(8), route(9)]));
      await make(host, removes(peer(9)));
      assert.equal(await seen(host, within), lines([smaller, address, other, moved, route(8), route(9)]));
    },
  );

  world('looks at one peer of the tunnel alone', async ({ host }) => {
    await make(host, puts(...ALL));
    const only = new Set([peer(9), route(9), peer(10)].map(hostEntryKey));
    assert.equal(await seen(host, { ...within, only }), lines([peer(9), route(9)]));
  });

  world('sees that a tunnel went with its device, and puts it back', async ({ host, hand }) => {
    await make(host, puts(...ALL));
    hand.remove(device);
    assert.equal(await seen(host, within), '');
    await make(host, puts(...ALL));
    assert.equal(await seen(host, within), lines(ALL));
  });

  world('leaves a device of another kind that has the name of the tunnel’s', async ({ host, hand }) => {
    hand.addDevice(NAME);
    const made = await host.apply(puts(device, loopback, address, socket, peer(8)), never());
    assert.deepEqual(outcomes(made), ['LINK_FOREIGN', 'done', 'LINK_FOREIGN', 'LINK_FOREIGN', 'LINK_FOREIGN']);
    assert.equal(await seen(host, within), lines([loopback]));
    await make(host, removes(device));
  });

  world('says that the device of a tunnel is missing', async ({ host }) => {
    const made = await host.apply(puts(socket, peer(8), route(8)), never());
    assert.deepEqual(outcomes(made), ['LINK_MISSING', 'LINK_MISSING', 'LINK_MISSING']);
  });
}
