import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { acknowledgedErrno, acknowledgedWords } from '../../src/native/netlink/acknowledgement.ts';
import { readAddress, writeAddress } from '../../src/native/netlink/address.ts';
import { AF_BRIDGE, AF_INET, NUD_PERMANENT } from '../../src/native/netlink/constants.ts';
import { readLink, writeLinkChange, writeVxlan } from '../../src/native/netlink/link.ts';
import { MessageReader } from '../../src/native/netlink/message-reader.ts';
import { MessageWriter } from '../../src/native/netlink/message-writer.ts';
import { readNeighbour, writeForwarding, writeNeighbour } from '../../src/native/netlink/neighbour.ts';
import { readRoute, writeRoute } from '../../src/native/netlink/route.ts';
import * as captured from './captured.ts';

/** The only message of a datagram. */
function open(hex: string): MessageReader {
  const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
  const reader = new MessageReader(bytes);
  reader.open(bytes.length);
  assert.ok(reader.next());
  return reader;
}

/** What a body looks like to a reader. */
function written<T>(body: (w: MessageWriter) => void, read: (m: MessageReader) => T): T {
  const writer = new MessageWriter(1024);
  writer.begin(24, 0x600, 7);
  body(writer);
  writer.finish();
  const reader = new MessageReader(writer.bytes);
  reader.open(writer.length);
  assert.ok(reader.next());
  assert.deepEqual([reader.type, reader.flags, reader.sequence, reader.end], [24, 0x601, 7, writer.length]);
  return read(reader);
}

const v4 = (text: string): number => text.split('.').reduce((value, octet) => value * 256 + Number(octet), 0);
const plain = {
  tos: 0,
  flags: 0,
  source: undefined,
  mtuBytes: undefined,
  priority: 0,
  foreignForm: false,
  protocol: 87,
  type: 1,
  scope: 0,
};

describe('netlink messages that the kernel sent', () => {
  it('tell a vxlan device', () => {
    assert.deepEqual(readLink(open(captured.VXLAN_LINK)), {
      index: 4,
      name: 'weft.1',
      kind: 'vxlan',
      flags: 0x11043,
      changed: 0,
      mtuBytes: 1450,
      mac: '02:11:22:33:44:55',
      vxlan: { vni: 1, port: 8472, local: v4('192.168.7.1'), lower: 3, learning: false, gbp: true },
    });
  });

  it('tell addresses of both families', () => {
    const address = v4('10.42.7.0');
    assert.deepEqual(readAddress(open(captured.ADDRESS)), {
      link: 4,
      address,
      prefix: address,
      prefixLength: 32,
      scope: 0,
      flags: 0x80,
    });
    const six = 0xfd00_0000_0000_0000_0000_0000_0000_0001n;
    assert.deepEqual(readAddress(open(captured.ADDRESS_V6)), {
      link: 3,
      address: six,
      prefix: six,
      prefixLength: 64,
      scope: 0,
      flags: 0x82,
    });
  });

  it('tell routes with all that ours have', () => {
    const destination = v4('10.42.8.0');
    assert.deepEqual(readRoute(open(captured.TUNNEL_ROUTE)), {
      ...plain,
      table: 254,
      flags: 4,
      destination,
      prefixLength: 24,
      link: 4,
      gateway: destination,
      source: v4('10.42.7.0'),
      mtuBytes: 1450,
    });
    assert.deepEqual(readRoute(open(captured.TABLE_ROUTE)), {
      ...plain,
      table: 8700,
      destination: v4('10.42.9.0'),
      prefixLength: 24,
      link: 3,
      gateway: v4('192.168.7.9'),
    });
  });

  it('tell a route of several next hops by its first, and that it is none of ours', () => {
    const route = readRoute(open(captured.MULTIPATH_ROUTE));
    assert.deepEqual([route.foreignForm, route.link, route.gateway], [true, 3, v4('192.168.7.9')]);
  });

  it('tell a route of IPv6', () => {
    const route = readRoute(open(captured.ROUTE_V6));
    assert.deepEqual(
      [route.destination, route.prefixLength, route.gateway],
      [0xfd01n << 112n, 64, (0xfd00n << 112n) | 9n],
    );
    assert.deepEqual([route.priority, route.link, route.table], [1024, 3, 254]);
  });

  it('tell neighbours and forwarding entries apart by their family', () => {
    assert.deepEqual(readNeighbour(open(captured.NEIGHBOUR)), {
      af: AF_INET,
      link: 4,
      state: NUD_PERMANENT,
      flags: 0,
      address: v4('10.42.8.0'),
      mac: '02:aa:bb:cc:dd:ee',
      detour: false,
    });
    const entry = readNeighbour(open(captured.FORWARDING));
    assert.deepEqual(
      [entry.af, entry.address, entry.mac, entry.flags],
      [AF_BRIDGE, v4('192.168.7.2'), '02:aa:bb:cc:dd:ee', 2],
    );
  });

  it('tell why something was refused, in the kernel’s words', () => {
    for (const [hex, errno, said] of [
      [captured.REFUSED_ROUTE, 101, 'Nexthop has invalid gateway'],
      [captured.REFUSED_DUMP, 2, 'ipv4: FIB table does not exist'],
    ] as const) {
      const message = open(hex);
      assert.deepEqual([acknowledgedErrno(message), acknowledgedWords(message)], [errno, said]);
    }
  });
});

describe('netlink messages that we write', () => {
  const ip = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }));
  const octet = fc.integer({ min: 0, max: 255 }).map((value) => value.toString(16).padStart(2, '0'));
  const mac = fc.array(octet, { minLength: 6, maxLength: 6 }).map((octets) => octets.join(':'));
  const index = fc.integer({ min: 1, max: 0x7fff_ffff });

  it('read back as they were meant: routes', () => {
    const sameFamily = ip.chain((destination) =>
      fc.record({
        destination: fc.constant(destination),
        gateway:
          typeof destination === 'number'
            ? fc.integer({ min: 0, max: 0xffff_ffff })
            : fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
        source:
          typeof destination === 'number'
            ? fc.integer({ min: 0, max: 0xffff_ffff })
            : fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
        table: fc.integer({ min: 1, max: 0xffff_ffff }),
        prefixLength: fc.integer({ min: 0, max: 32 }),
        link: index,
        mtuBytes: fc.integer({ min: 68, max: 65_535 }),
        priority: fc.constantFrom(0, 8702, 0xffff_ffff),
        onlink: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(sameFamily, ({ onlink, ...route }) => {
        const back = written((w) => writeRoute(w, { ...route, protocol: 87, onlink }), readRoute);
        assert.deepEqual(back, { ...plain, ...route, flags: onlink ? 4 : 0 });
      }),
    );
  });

  it('read back as they were meant: addresses, neighbours, forwarding entries', () => {
    fc.assert(
      fc.property(ip, mac, index, (address, hardware, link) => {
        assert.equal(written((w) => writeAddress(w, link, address, 32), readAddress)?.address, address);
        const neighbour = written((w) => writeNeighbour(w, link, address, hardware), readNeighbour);
        const entry = written((w) => writeForwarding(w, link, hardware, address), readNeighbour);
        for (const one of [neighbour, entry])
          assert.deepEqual([one.link, one.address, one.mac, one.state], [link, address, hardware, NUD_PERMANENT]);
      }),
    );
  });

  it('read back as they were meant: devices, with names of every length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 15 }), mac, ip, fc.boolean(), (length, hardware, local, flag) => {
        const name = 'weft.1234567890'.slice(0, length);
        const vxlan = { vni: 0xff_ffff, port: 65_535, local, lower: 3, learning: flag, gbp: !flag };
        const back = written((w) => writeVxlan(w, name, { mac: hardware, mtuBytes: 1450, up: true }, vxlan), readLink);
        assert.deepEqual(back, {
          index: 0,
          name,
          kind: 'vxlan',
          flags: 1,
          changed: 1,
          mtuBytes: 1450,
          mac: hardware,
          vxlan,
        });
      }),
    );
  });

  it('change of a device what is asked for alone', () => {
    assert.deepEqual(
      written((w) => writeLinkChange(w, 4, { up: false }), readLink),
      { index: 4, name: '', kind: '', flags: 0, changed: 1, mtuBytes: 0 },
    );
    assert.deepEqual(
      written((w) => writeLinkChange(w, 4, { mtuBytes: 9000 }), readLink),
      { index: 4, name: '', kind: '', flags: 0, changed: 0, mtuBytes: 9000 },
    );
  });

  it('stand one behind the other, and one taken back leaves no trace', () => {
    const writer = new MessageWriter(4096);
    for (const sequence of [1, 2, 3]) {
      writer.begin(28, 0, sequence);
      writeNeighbour(writer, sequence, 1, '02:00:00:00:00:01');
      if (sequence === 2) writer.abandon();
      else writer.finish();
    }
    const reader = new MessageReader(writer.bytes);
    reader.open(writer.length);
    const sequences: number[] = [];
    while (reader.next()) sequences.push(reader.sequence, readNeighbour(reader).link);
    assert.deepEqual(sequences, [1, 1, 3, 3]);
  });
});

describe('the walk over a datagram', () => {
  it('ends, within the datagram, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 200 }), (bytes) => {
        const reader = new MessageReader(bytes);
        reader.open(bytes.length);
        while (reader.next()) {
          assert.ok(reader.end <= bytes.length);
          for (const a = reader.openAttributes(0); a.next();) assert.ok(a.start <= a.end && a.end <= reader.end);
        }
      }),
    );
  });
});
