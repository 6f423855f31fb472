/** Values of our types for property tests. */
import fc from 'fast-check';
import { addressFrom, type Address, type Family } from '../../src/core/address.ts';
import type { HostEntry } from '../../src/core/host-entry.ts';
import { macFrom } from '../../src/core/mac.ts';
import { subnetOf, type Subnet } from '../../src/core/subnet.ts';

/** IPv6 values with long runs of zeros often enough to try the compression. */
const v6Value = fc
  .array(fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n));

export const v4Address: fc.Arbitrary<Address> = fc
  .oneof(fc.nat({ max: 0xffff_ffff }), fc.constantFrom(0, 0xffff_ffff, 0x7fff_ffff, 0x8000_0000))
  .map((value) => addressFrom(BigInt(value), 4));
export const v6Address: fc.Arbitrary<Address> = v6Value.map((value) => addressFrom(value, 6));
export const anyAddress: fc.Arbitrary<Address> = fc.oneof(v4Address, v6Address);

export const subnetIn = (version: Family, least = 0, most = version === 4 ? 32 : 128): fc.Arbitrary<Subnet> =>
  fc
    .tuple(version === 4 ? v4Address : v6Address, fc.integer({ min: least, max: most }))
    .map(([address, length]) => subnetOf(address, length));
export const anySubnet: fc.Arbitrary<Subnet> = fc.oneof(subnetIn(4), subnetIn(6));

/** Few keys and few states, so that lists meet: the same key in both, the same state in both, and neither. */
export const hostEntry: fc.Arbitrary<HostEntry> = fc
  .tuple(
    fc.constantFrom(
      'link',
      'address',
      'route',
      'neighbour',
      'fdb',
      'sysctl',
      'unreachable',
      'masquerade',
      'extension',
      'tun',
      'socket',
      'tunnel',
      'file',
    ),
    fc.nat(4),
    fc.nat(2),
  )
  .map(([kind, id, state]): HostEntry => {
    const base = addressFrom(0x0a2a_0000n + BigInt(id) * 256n, 4);
    const other = addressFrom(0xc0a8_0000n + BigInt(state), 4);
    switch (kind) {
      case 'link':
        return {
          kind: 'link',
          name: `weft.${id}`,
          vni: id + 1,
          port: 8472,
          local: other,
          uplink: 'eth0',
          mtuBytes: 1450,
          mac: macFrom(`${id}`),
          learning: false,
          gbp: false,
          up: true,
        };
      case 'address':
        return { kind: 'address', link: `weft.${id}`, address: base, prefixLength: 32 };
      case 'route':
        return {
          kind: 'route',
          // One destination with several metrics is several routes.
          ...(id < 3 ? {} : { metric: 8698 + id }),
          destination: subnetOf(addressFrom(0x0a2a_0000n + BigInt(id % 3) * 256n, 4), 24),
          link: 'weft.1',
          via: other,
          onlink: true,
          source: addressFrom(0x0a2a_0900n, 4),
          mtuBytes: 1450,
        };
      case 'neighbour':
        return { kind: 'neighbour', link: `weft.${id % 2}`, address: base, mac: macFrom(`${state}`) };
      case 'fdb':
        return { kind: 'fdb', link: `weft.${id % 2}`, mac: macFrom(`${id}`), remote: other };
      case 'sysctl':
        return { kind: 'sysctl', name: `net/ipv4/conf/${id}`, value: `${state}` };
      case 'tun':
        return { kind: 'tun', name: `weft.udp${id}`, mtuBytes: 1472 - state, up: true };
      case 'socket':
        return { kind: 'socket', link: `weft.udp${id}`, local: other, port: 8285 };
      case 'tunnel': {
        const subnet = subnetOf(base, 24);
        return { kind: 'tunnel', link: `weft.udp${id % 2}`, subnet, remote: other, port: 8285, mtuBytes: 1472 };
      }
      case 'unreachable':
        return { kind: 'unreachable', destination: subnetOf(base, 24) };
      case 'masquerade':
        return {
          kind: 'masquerade',
          instance: `${id}`.padStart(8, '0'),
          network: subnetOf(base, 16),
          subnet: subnetOf(addressFrom(0x0a2a_0000n + BigInt(state) * 256n, 4), 24),
          fullyRandom: true,
        };
      case 'extension':
        return {
          kind: 'extension',
          subnet: subnetOf(base, 24),
          publicIP: other,
          data: `${state}`,
          add: 'add',
          remove: 'remove',
          ...(state === 2 ? { half: true } : {}),
        };
      default:
        return { kind: 'file', path: `/run/${id}`, text: `${state}` };
    }
  });
