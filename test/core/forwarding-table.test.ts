import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  ForwardingTable,
  packDestinations,
  unpackDestinations,
  type Destination,
} from '../../src/core/forwarding-table.ts';

/** Of few first bits, so that prefixes lie within each other. */
const address = fc.tuple(fc.nat(3), fc.nat(0xff_ffff)).map(([head, rest]) => (0x0a00_0000 * head + rest) >>> 0);
const inside = (value: number, { network, prefixLength }: Destination): boolean =>
  Math.floor(value / 2 ** (32 - prefixLength)) === Math.floor(network / 2 ** (32 - prefixLength));
/** What a table keeps. */
const outside = (all: readonly Destination[]): Destination[] =>
  all.filter(({ remote }) => !all.some((one) => inside(remote, one)));
const destination: fc.Arbitrary<Destination> = fc
  .record({
    network: address,
    // Seldom as wide as everything: little is left of a table with one.
    prefixLength: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 4, max: 32 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 }) },
    ),
    remote: fc.oneof(fc.nat(0xffff_ffff), address),
    port: fc.nat(0xffff),
    mtuBytes: fc.nat(0xffff),
    slot: fc.nat(0xffff),
  })
  .map((one) => {
    const size = 2 ** (32 - one.prefixLength);
    return { ...one, network: Math.floor(one.network / size) * size };
  });

describe('the forwarding table', () => {
  it('finds the longest prefix that holds an address', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(destination, { selector: (d) => `${d.network}/${d.prefixLength}` }),
        address,
        (all, at) => {
          const holders = outside(all).filter((one) => inside(at, one));
          const longest = holders.toSorted((a, b) => b.prefixLength - a.prefixLength)[0];
          assert.equal(new ForwardingTable(all).find(at), longest);
        },
      ),
    );
  });

  it('knows the addresses that peers send from, and no others', () => {
    fc.assert(
      fc.property(fc.array(destination), fc.nat(0xffff_ffff), (all, other) => {
        const table = new ForwardingTable(all);
        for (const { remote } of outside(all)) assert.equal(table.sender(remote)?.remote, remote);
        for (const at of [other, ...all.map(({ remote }) => remote)])
          assert.equal(
            table.sender(at) !== undefined,
            outside(all).some(({ remote }) => remote === at),
          );
      }),
    );
  });

  it('leaves out a peer whose own address is a peer’s container address, and keeps the others', () => {
    const peer = (n: number, remote: number): Destination => ({
      network: 0x0a2a_0000 + 256 * n,
      prefixLength: 24,
      remote,
      port: 8285,
      mtuBytes: 1472,
      slot: n,
    });
    const table = new ForwardingTable([peer(2, 0x0a2a_0209), peer(3, 0x0a2a_0209), peer(4, 0xc0a8_0704)]);
    assert.deepEqual(
      [2, 3, 4].map((n) => table.find(0x0a2a_0001 + 256 * n)?.slot),
      [undefined, undefined, 4],
    );
    assert.equal(table.sender(0x0a2a_0209), undefined);
  });

  it('comes over to another thread as it was', () => {
    fc.assert(
      fc.property(fc.array(destination), (all) => assert.deepEqual(unpackDestinations(packDestinations(all)), all)),
    );
  });
});
