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
const destination: fc.Arbitrary<Destination> = fc
  .record({
    network: address,
    prefixLength: fc.integer({ min: 0, max: 32 }),
    remote: fc.nat(0xffff_ffff),
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
          const holders = all.filter((one) => inside(at, one));
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
        for (const { remote } of all) assert.equal(table.sender(remote)?.remote, remote);
        assert.equal(
          table.sender(other) !== undefined,
          all.some(({ remote }) => remote === other),
        );
      }),
    );
  });

  it('comes over to another thread as it was', () => {
    fc.assert(
      fc.property(fc.array(destination), (all) => assert.deepEqual(unpackDestinations(packDestinations(all)), all)),
    );
  });
});
