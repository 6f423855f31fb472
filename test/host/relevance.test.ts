import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { ipValueOf } from '../../src/host/kernel-values.ts';
import { Relevance } from '../../src/host/relevance.ts';
import type { WatchScope } from '../../src/host/worker-messages.ts';
import { writeAddress } from '../../src/native/netlink/address.ts';
import {
  RT_SCOPE_LINK,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELNEIGH,
  RTM_DELROUTE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWNEIGH,
  RTM_NEWROUTE,
  RTN_UNREACHABLE,
} from '../../src/native/netlink/constants.ts';
import { writeLinkChange, writeVxlan } from '../../src/native/netlink/link.ts';
import { MessageReader } from '../../src/native/netlink/message-reader.ts';
import { MessageWriter } from '../../src/native/netlink/message-writer.ts';
import {
  writeForwarding,
  writeForwardingKey,
  writeNeighbour,
  writeNeighbourKey,
} from '../../src/native/netlink/neighbour.ts';
import { writeRoute, type RouteRequest } from '../../src/native/netlink/route.ts';

const OWN_PORT = 4711;
const OURS = 4;
const UPLINK = 2;
const BRIDGE = 9;
const ip = (text: string) => ipValueOf(parseAddress(text));
const MAC = '02:00:00:00:00:08';
const OTHER_MAC = '02:00:00:00:00:09';

const scope: WatchScope = {
  links: ['weft.1'],
  linkIndexes: [OURS],
  uplinks: ['eth0'],
  uplinkIndexes: [UPLINK],
  networks: [parseSubnet('10.42.0.0/16')],
  base: parseAddress('10.42.7.0'),
};

/** What a notification of this type and body, by this port, makes us look at. */
function hear(relevance: Relevance, type: number, body: (w: MessageWriter) => void, port = 0): string {
  const writer = new MessageWriter(1024);
  writer.begin(type, 0, 0);
  body(writer);
  writer.finish();
  new DataView(writer.bytes.buffer).setUint32(12, port, true);
  const reader = new MessageReader(writer.bytes);
  reader.open(writer.length);
  assert.ok(reader.next());
  return relevance.judge(reader).join(' ');
}

function watching(changes: Partial<WatchScope> = {}): Relevance {
  const relevance = new Relevance(OWN_PORT);
  relevance.watch({ ...scope, ...changes });
  return relevance;
}

const route =
  (to: string, changes: Partial<RouteRequest> = {}) =>
  (w: MessageWriter) =>
    writeRoute(w, {
      table: 254,
      protocol: 4,
      destination: ip(to.split('/')[0] ?? ''),
      prefixLength: Number(to.split('/')[1]),
      link: UPLINK,
      gateway: ip('10.0.0.1'),
      ...changes,
    });
const device = (name: string, up?: boolean) => (w: MessageWriter) =>
  writeVxlan(w, name, up === undefined ? {} : { up }, { vni: 1, port: 1, lower: 0, learning: false, gbp: false });

describe('a notification of the kernel', () => {
  it('is nothing when our own socket caused it', () => {
    const relevance = watching();
    assert.equal(hear(relevance, RTM_NEWROUTE, route('10.42.8.0/24'), OWN_PORT), '');
    assert.equal(hear(relevance, RTM_NEWROUTE, route('10.42.8.0/24'), OWN_PORT + 1), 'routes');
  });

  it("of a route matters in our Network, in the main table, and where the uplink hangs on it; another daemon's of our protocol does not", () => {
    const relevance = watching();
    const routes = (body: (w: MessageWriter) => void): string => hear(relevance, RTM_DELROUTE, body);
    assert.equal(routes(route('10.42.8.0/24')), 'routes');
    assert.equal(routes(route('10.99.8.0/24')), '');
    assert.equal(routes(route('10.42.8.0/24', { protocol: 87 })), 'routes');
    assert.equal(routes(route('10.99.8.0/24', { protocol: 87 })), '');
    assert.equal(routes(route('10.42.8.0/24', { priority: 8702 })), 'routes');
    assert.equal(
      routes((w) =>
        writeRoute(w, {
          table: 254,
          protocol: 87,
          destination: ip('10.42.0.0'),
          prefixLength: 16,
          type: RTN_UNREACHABLE,
        }),
      ),
      'routes',
    );
    assert.equal(routes(route('10.42.8.0/24', { table: 77 })), '');
    assert.equal(routes(route('0.0.0.0/0')), 'routes');
    assert.equal(routes(route('::/0', { gateway: ip('fe80::1') })), '');
    assert.equal(
      routes((w) =>
        writeRoute(w, { table: 254, protocol: 2, destination: ip('172.16.0.0'), prefixLength: 16, link: UPLINK }),
      ),
      'routes',
    );
    assert.equal(
      routes((w) =>
        writeRoute(w, { table: 254, protocol: 2, destination: ip('172.16.0.0'), prefixLength: 16, link: BRIDGE }),
      ),
      '',
    );
    assert.equal(routes(route('10.42.7.0/32', { table: 255 })), 'routes');
    assert.equal(routes(route('10.42.9.0/32', { table: 255 })), '');
  });

  it('of a device matters when it is ours or the uplink; everything may go with it', () => {
    const relevance = watching();
    const link = (index: number, up?: boolean) => (w: MessageWriter) =>
      writeLinkChange(w, index, up === undefined ? {} : { up });
    assert.equal(hear(relevance, RTM_NEWLINK, link(BRIDGE, true)), '');
    assert.equal(hear(relevance, RTM_NEWLINK, link(OURS)), 'links');
    assert.equal(hear(relevance, RTM_NEWLINK, link(UPLINK, false)), 'everything');
    assert.equal(hear(relevance, RTM_DELLINK, link(BRIDGE)), '');
    assert.equal(hear(relevance, RTM_DELLINK, link(OURS)), 'everything');
  });

  it('of a new device under our name makes its neighbours matter', () => {
    const relevance = watching({ linkIndexes: [] });
    const told = (w: MessageWriter): void => writeNeighbour(w, 0, ip('10.42.8.0'), MAC);
    assert.equal(hear(relevance, RTM_DELNEIGH, told), '');
    assert.equal(hear(relevance, RTM_NEWLINK, device('weft.1')), 'everything');
    assert.deepEqual(relevance.ownLinks, [0]);
    assert.equal(hear(relevance, RTM_DELNEIGH, told), 'neighbours');
    assert.equal(hear(relevance, RTM_NEWLINK, device('other')), 'links', 'index 0 is ours by now');
  });

  it('of an address matters on our devices and the uplink, and where it is our base; routes go with addresses', () => {
    const relevance = watching();
    const address = (link: number, text: string) => (w: MessageWriter) => writeAddress(w, link, ip(text), 32);
    assert.equal(hear(relevance, RTM_DELADDR, address(UPLINK, '10.0.0.5')), 'addresses routes');
    assert.equal(hear(relevance, RTM_NEWADDR, address(BRIDGE, '10.0.0.5')), '');
    assert.equal(hear(relevance, RTM_DELADDR, address(1, '10.42.7.0')), 'addresses routes');
    const linkLocal = (w: MessageWriter): void => {
      const before = w.length;
      writeAddress(w, UPLINK, ip('fe80::1'), 64);
      w.bytes[before + 3] = RT_SCOPE_LINK;
    };
    assert.equal(hear(relevance, RTM_NEWADDR, linkLocal), '');
  });

  it('of any device or address matters while there is no uplink', () => {
    const relevance = watching({ uplinks: [], uplinkIndexes: [] });
    assert.equal(
      hear(relevance, RTM_NEWADDR, (w) => writeAddress(w, BRIDGE, ip('10.0.0.5'), 24)),
      'addresses routes',
    );
    assert.equal(
      hear(relevance, RTM_NEWLINK, (w) => writeLinkChange(w, BRIDGE, {})),
      'links',
    );
  });

  it('of neighbours and forwarding entries matters on our devices alone', () => {
    const relevance = watching();
    assert.equal(
      hear(relevance, RTM_NEWNEIGH, (w) => writeNeighbour(w, BRIDGE, ip('10.42.8.5'), MAC)),
      '',
    );
    assert.equal(
      hear(relevance, RTM_NEWNEIGH, (w) => writeForwarding(w, BRIDGE, MAC, ip('10.0.0.8'))),
      '',
    );
    assert.equal(
      hear(relevance, RTM_NEWNEIGH, (w) => writeNeighbour(w, OURS, ip('10.42.8.0'), MAC)),
      'neighbours',
    );
    assert.equal(
      hear(relevance, RTM_NEWNEIGH, (w) => writeForwarding(w, OURS, MAC, ip('10.0.0.8'))),
      'neighbours',
    );
  });
});

describe('what we set ourselves, where the kernel does not say so', () => {
  const standing = (w: MessageWriter): void => writeForwarding(w, OURS, MAC, ip('10.0.0.8'));
  const gone = (w: MessageWriter): void => writeForwardingKey(w, OURS, MAC);
  const told = (w: MessageWriter): void => writeNeighbour(w, OURS, ip('10.42.8.0'), MAC);
  const failed = (w: MessageWriter): void => writeNeighbourKey(w, OURS, ip('10.42.8.0'));

  function expecting(): Relevance {
    const relevance = watching();
    relevance.expect({ link: OURS, neighbours: [[ip('10.42.8.0'), MAC]], forwarding: [[MAC, ip('10.0.0.8')]] });
    return relevance;
  }

  it('is nothing when it comes to be as expected', () => {
    const relevance = expecting();
    assert.equal(hear(relevance, RTM_NEWNEIGH, standing), '');
    assert.equal(hear(relevance, RTM_NEWNEIGH, told), '');
    relevance.expect({ link: OURS, neighbours: [[ip('10.42.8.0'), null]], forwarding: [[MAC, null]] });
    assert.equal(hear(relevance, RTM_DELNEIGH, gone), '');
    assert.equal(hear(relevance, RTM_DELNEIGH, failed), '');
  });

  it('matters as soon as another hand makes it otherwise', () => {
    const relevance = expecting();
    assert.equal(
      hear(relevance, RTM_NEWNEIGH, (w) => writeForwarding(w, OURS, MAC, ip('10.0.0.99'))),
      'neighbours',
    );
    assert.equal(
      hear(relevance, RTM_NEWNEIGH, (w) => writeNeighbour(w, OURS, ip('10.42.8.0'), OTHER_MAC)),
      'neighbours',
    );
    assert.equal(hear(relevance, RTM_DELNEIGH, gone), 'neighbours');
    assert.equal(hear(relevance, RTM_DELNEIGH, failed), 'neighbours');
    assert.equal(hear(relevance, RTM_NEWNEIGH, failed), 'neighbours', 'no longer permanent');
  });

  it('matters when what we removed comes back', () => {
    const relevance = expecting();
    relevance.expect({ link: OURS, neighbours: [], forwarding: [[MAC, null]] });
    assert.equal(hear(relevance, RTM_DELNEIGH, gone), '');
    assert.equal(hear(relevance, RTM_NEWNEIGH, standing), 'neighbours');
  });

  it('is forgotten with the device', () => {
    const relevance = expecting();
    hear(relevance, RTM_DELLINK, (w) => writeLinkChange(w, OURS, {}));
    assert.equal(relevance.watch(scope), true, 'ours anew');
    assert.equal(hear(relevance, RTM_NEWNEIGH, standing), 'neighbours');
  });

  it('leaves alone what the kernel resolves by itself', () => {
    assert.equal(
      hear(expecting(), RTM_NEWNEIGH, (w) => writeNeighbourKey(w, OURS, ip('10.42.33.7'))),
      '',
    );
  });
});
