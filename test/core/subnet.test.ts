import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addressValue, bitsOf, family, offset, parseAddress } from '../../src/core/address.ts';
import {
  baseOf,
  contains,
  firstHostOf,
  lastOf,
  overlaps,
  parseSubnet,
  prefixLengthOf,
  sizeOf,
  subnetOf,
  tryInterfaceAddress,
  trySubnet,
} from '../../src/core/subnet.ts';
import { anyAddress, anySubnet, subnetIn } from './arbitraries.ts';

const net = parseSubnet;
const ip = parseAddress;

describe('subnets', () => {
  it('IP-5: prints a range as it was read', () => {
    assert.equal(net('1.2.3.0/24'), '1.2.3.0/24');
    assert.equal(baseOf(net('1.2.3.0/24')), '1.2.3.0');
    assert.equal(prefixLengthOf(net('1.2.3.0/24')), 24);
  });

  it('IP-6: overlaps itself and a range around it', () => {
    assert.equal(overlaps(net('1.2.3.0/24'), net('1.2.3.0/24')), true);
    assert.equal(overlaps(net('1.2.3.0/24'), net('1.2.0.0/16')), true);
  });

  it('IP-7: does not overlap its neighbour or a range elsewhere', () => {
    assert.equal(overlaps(net('1.2.3.0/24'), net('1.2.4.0/24')), false);
    assert.equal(overlaps(net('1.2.3.0/24'), net('7.2.4.0/22')), false);
  });

  it('IP-8: contains its base and its hosts, not the next range', () => {
    assert.deepEqual(
      ['1.2.3.0', '1.2.3.4', '1.2.4.0'].map((text) => contains(net('1.2.3.0/24'), ip(text))),
      [true, true, false],
    );
  });

  it('IP-9: stands in JSON as its text', () => {
    assert.equal(JSON.stringify(net('1.2.3.0/24')), '"1.2.3.0/24"');
  });

  it('IP-10: the first host is one behind the base', () => {
    assert.equal(firstHostOf(net('1.2.3.0/24')), '1.2.3.1');
  });

  it('IP-13: tells an empty IPv6 range from others', () => {
    assert.equal(net('::/0'), '::/0');
    assert.notEqual(net('::/64'), net('::/0'));
    assert.notEqual(net('fc00:1::/64'), net('::/0'));
  });

  it('IP-14: IPv6 ranges overlap as IPv4 ones do', () => {
    const range = net('fc00:1::/64');
    assert.deepEqual(
      ['fc00:1::/64', 'fc00::/16', 'fc00:2::/64', 'fb00:2::/48'].map((text) => overlaps(range, net(text))),
      [true, true, false, false],
    );
  });

  it('IP-15: IPv6 ranges contain their addresses', () => {
    assert.deepEqual(
      ['fc00:1::', 'fc00:1::1', 'fc00:2::'].map((text) => contains(net('fc00:1::/64'), ip(text))),
      [true, true, false],
    );
  });

  it('IP-16: an IPv6 range stands in JSON as its text, and its first host is one behind the base', () => {
    assert.equal(JSON.stringify(net('fc00:1::/64')), '"fc00:1::/64"');
    assert.equal(firstHostOf(net('fc00:1::/64')), 'fc00:1::1');
  });

  it('IP-21: no text makes the reader fail in another way than by its code', () => {
    for (const text of [
      '10.0.0.0/33',
      'fc00::/129',
      '',
      '"10.0.0.0/8"',
      '/',
      '10.0.0.0/',
      '/24',
      '1.2.3.4/24/24',
      '1.2.3.4/-1',
      '1.2.3.4/024',
      '1.2.3.4/1e1',
    ]) {
      assert.throws(() => net(text), { code: 'BAD_SUBNET' }, text);
    }
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f.:]{0,20}\/[0-9]{0,4}$/)), (text) => {
        const subnet = trySubnet(text);
        return subnet === undefined || trySubnet(subnet) === subnet;
      }),
    );
  });

  it('KU-1: contains the ranges inside it and itself, not wider or foreign ones', () => {
    const inside = (outer: string, inner: string): boolean => contains(net(outer), net(inner));
    assert.deepEqual(
      ['10.244.0.0/16', '10.244.0.0/24', '10.244.255.0/24', '10.244.0.0/15', '192.168.0.0/24'].map((text) =>
        inside('10.244.0.0/16', text),
      ),
      [true, true, true, false, false],
    );
    assert.deepEqual(
      ['2001:db8:1234::/48', '2001:db8:1234::/64', '2001:db8:1234:ffff::/64', '2001:db8:1234::/47', 'fe02::/32'].map(
        (text) => inside('2001:0db8:1234::/48', text),
      ),
      [true, true, true, false, false],
    );
  });

  it('masks host bits off a range, and keeps them for an address on a device', () => {
    assert.equal(net('10.5.1.7/16'), '10.5.0.0/16');
    assert.deepEqual(tryInterfaceAddress('10.5.1.7/24'), { address: '10.5.1.7', prefixLength: 24 });
  });

  it('never mixes the families', () => {
    assert.equal(contains(net('0.0.0.0/0'), ip('::')), false);
    assert.equal(overlaps(net('0.0.0.0/0'), net('::/0')), false);
  });

  it('base and last bound exactly the addresses it contains', () => {
    fc.assert(
      fc.property(anySubnet, anyAddress, (subnet, address) => {
        const [value, first, last] = [address, baseOf(subnet), lastOf(subnet)].map(addressValue);
        assert.ok(value !== undefined && first !== undefined && last !== undefined);
        return contains(subnet, address) === (family(subnet) === family(address) && value >= first && value <= last);
      }),
    );
  });

  it('contains a range when it contains both its ends', () => {
    fc.assert(
      fc.property(subnetIn(4), subnetIn(4), (a, b) => {
        const ends = contains(a, baseOf(b)) && contains(a, lastOf(b));
        assert.equal(contains(a, b), ends);
        assert.equal(overlaps(a, b), contains(a, b) || contains(b, a));
        assert.equal(overlaps(a, b), overlaps(b, a));
      }),
    );
  });

  it('the halves of a range fill it and do not meet', () => {
    fc.assert(
      fc.property(anySubnet, (subnet) => {
        const length = prefixLengthOf(subnet) + 1;
        fc.pre(length <= bitsOf(family(subnet)));
        const low = subnetOf(baseOf(subnet), length);
        const high = subnetOf(offset(lastOf(low), 1), length);
        assert.equal(overlaps(low, high), false);
        assert.equal(contains(subnet, low) && contains(subnet, high), true);
        assert.equal(sizeOf(low) + sizeOf(high), sizeOf(subnet));
        assert.equal(lastOf(high), lastOf(subnet));
      }),
    );
  });

  it('refuses a length that the family does not have', () => {
    for (const [address, length] of [
      ['1.2.3.4', 33],
      ['1.2.3.4', -1],
      ['1.2.3.4', 1.5],
      ['::', 129],
    ] as const) {
      assert.throws(() => subnetOf(ip(address), length), { code: 'BAD_SUBNET' });
    }
  });
});
