import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ForwardingTable, type Destination } from '../../src/core/forwarding-table.ts';
import { ttlOf } from '../../src/core/ipv4.ts';
import { inbound, outbound } from '../../src/core/tunnel-packet.ts';
import { headerFits, packetOf, packetPlan } from './ipv4.ts';

/** Of containers in 10.42.n.0/24, behind 192.168.7.n. */
const peer = (n: number): Destination => ({
  network: 0x0a2a_0000 + 256 * n,
  prefixLength: 24,
  remote: 0xc0a8_0700 + n,
  port: 8285,
  mtuBytes: 1472,
  slot: n,
});
const table = new ForwardingTable([peer(2), peer(3)]);
const [OWN, TWO, THREE] = [0x0a2a_0105, 0x0a2a_0205, 0x0a2a_0305];
const out = (plan: Parameters<typeof packetOf>[0]) => {
  const packet = packetOf({ source: OWN, destination: TWO, ...plan });
  return { packet, said: outbound(table, packet, packet.length) };
};
const arrived = (plan: Parameters<typeof packetOf>[0], from = peer(2).remote, port = peer(2).port) => {
  const packet = packetOf({ source: TWO, destination: OWN, ...plan });
  return { packet, said: inbound(table, packet, packet.length, from, port) };
};

describe('a packet on its way out', () => {
  it('goes to the peer that has its address, with one less of its TTL', () => {
    const { packet, said } = out({ destination: THREE });
    assert.deepEqual(said, peer(3));
    assert.equal(ttlOf(packet), 63);
    assert.ok(headerFits(packet));
  });

  it('goes nowhere when no peer has its address', () =>
    assert.equal(out({ destination: 0x0a2a_0905 }).said, 'no-peer'));

  it('goes no further with its last hop', () => {
    assert.equal(out({ ttl: 1 }).said, 'ttl');
    assert.equal(out({ ttl: 0 }).said, 'ttl');
    assert.deepEqual(out({ ttl: 2 }).said, peer(2));
  });

  it('is too big for its way only when it may not be cut', () => {
    const payload = new Uint8Array(1473 - 20);
    assert.equal(out({ payload, mayNotFragment: true }).said, 'too-big');
    assert.deepEqual(out({ payload }).said, peer(2));
    assert.deepEqual(out({ payload: payload.subarray(1), mayNotFragment: true }).said, peer(2));
  });
});

describe('a packet that arrives', () => {
  it('is taken from the peer whose address it has, with one less of its TTL', () => {
    const { packet, said } = arrived({});
    assert.deepEqual(said, peer(2));
    assert.equal(ttlOf(packet), 63);
    assert.ok(headerFits(packet));
  });

  it('is not taken from a host that is no peer, whatever it says', () => {
    assert.equal(arrived({}, 0xc0a8_0709).said, 'stranger');
  });

  it('is not taken in the name of another peer, of this host, or of anybody else', () => {
    for (const source of [THREE, OWN, 0x0808_0808]) assert.equal(arrived({ source }).said, 'spoofed');
  });

  it('is not taken from another program of a peer’s host, or one behind its address: that has another port', () => {
    assert.equal(arrived({}, peer(2).remote, 40_000).said, 'spoofed');
  });

  it('goes no further with its last hop', () => assert.equal(arrived({ ttl: 1 }).said, 'ttl'));
});

describe('any packet', () => {
  it('is changed only when it passes, and then in TTL and checksum alone', () => {
    fc.assert(
      fc.property(packetPlan, fc.boolean(), fc.constantFrom(OWN, TWO, THREE), (plan, isOut, near) => {
        const packet = packetOf({
          ...plan,
          source: isOut ? plan.source : near,
          destination: isOut ? near : plan.destination,
        });
        const before = packet.slice();
        const said = isOut
          ? outbound(table, packet, packet.length)
          : inbound(table, packet, packet.length, peer(2).remote, peer(2).port);
        if (typeof said === 'string') return assert.deepEqual(packet, before);
        const changed = [...packet.keys()].filter((at) => packet[at] !== before[at]);
        assert.ok(changed.every((at) => at === 8 || at === 10 || at === 11));
        assert.ok(headerFits(packet));
      }),
    );
  });

  it('of chance bytes does no harm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(0xffff_ffff), (bytes, from) => {
        for (const said of [
          outbound(table, bytes.slice(), bytes.length),
          inbound(table, bytes.slice(), bytes.length, from, 8285),
        ])
          assert.ok(typeof said === 'string' || said.port === 8285);
      }),
    );
  });
});
