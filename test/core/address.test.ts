import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  addressFrom,
  addressValue,
  compareAddresses,
  family,
  offset,
  parseAddress,
  tryAddress,
  v4Value,
} from '../../src/core/address.ts';
import { isPrivate } from '../../src/core/subnet.ts';
import { anyAddress, v4Address, v6Address } from './arbitraries.ts';

const BAD = { code: 'BAD_ADDRESS' };

describe('addresses', () => {
  it('IP-1: reads an IPv4 address and prints it as it was', () => {
    const address = parseAddress('1.2.3.4');
    assert.equal(address, '1.2.3.4');
    assert.equal(v4Value(address), 0x01020304);
    assert.equal(JSON.stringify(address), '"1.2.3.4"');
  });

  it('IP-2: an IPv6 address is none of IPv4', () => {
    assert.equal(family(parseAddress('2001:db8::1')), 6);
  });

  it('IP-3: calls the private ranges private', () => {
    for (const text of ['192.168.0.1', '172.16.0.1', '172.31.0.1', '10.1.2.3']) {
      assert.equal(isPrivate(parseAddress(text)), true, text);
    }
  });

  it('IP-4: calls public addresses public, their near neighbours included', () => {
    for (const text of ['8.8.8.8', '172.32.0.1', '192.167.0.1', '192.169.0.1']) {
      assert.equal(isPrivate(parseAddress(text)), false, text);
    }
  });

  it('IP-11: reads IPv6 addresses and prints them as they were', () => {
    for (const text of ['fc00::1', '::']) assert.equal(parseAddress(text), text);
    assert.equal(addressValue(parseAddress('::')), 0n);
  });

  it('IP-12: tells unique local IPv6 addresses from global ones', () => {
    for (const text of ['fc00::1', 'fcff::1', 'fd00::1', 'fdff::1']) assert.equal(isPrivate(parseAddress(text)), true);
    for (const text of ['2001::', 'fe00::']) assert.equal(isPrivate(parseAddress(text)), false, text);
  });

  it('IP-20: whatever it reads, it reads again from its own text; the rest it refuses', () => {
    for (const text of ['10.0.0.1', '255.255.255.255', '0.0.0.0', 'fc00::1', '::1', '2001:db8::ff00:42:8329']) {
      assert.equal(parseAddress(parseAddress(text)), text);
    }
    for (const text of ['not-an-ip', '']) assert.throws(() => parseAddress(text), BAD);
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f.:/]{0,45}$/)), (text) => {
        const address = tryAddress(text);
        return address === undefined || tryAddress(address) === address;
      }),
    );
  });

  it('refuses what is ambiguous or nearly an address', () => {
    const texts = [
      '010.0.0.1',
      '1.2.3',
      '1.2.3.4.5',
      '1.2.3.4.',
      '.1.2.3.4',
      '1..2.3',
      '256.1.1.1',
      ' 1.2.3.4',
      '1.2.3.4 ',
    ];
    const v6 = [
      ':::',
      '1::2::3',
      ':1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1::2:3:4:5:6:7:8',
      '::12345',
      '::g',
    ];
    for (const text of [...texts, ...v6, 'fe80::1%eth0', '1.2.3.4::', '::1.2.3', '::1.2.3.4:5', '::01.2.3.4']) {
      assert.equal(tryAddress(text), undefined, text);
    }
  });

  it('prints IPv6 in the canonical form of RFC 5952', () => {
    const forms = {
      '2001:DB8:0:0:0:0:0:1': '2001:db8::1',
      '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
      '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
      '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
      '1:0:0:0:0:0:0:0': '1::',
      '::ffff:192.168.1.1': '::ffff:c0a8:101',
    };
    for (const [text, canonical] of Object.entries(forms)) assert.equal(parseAddress(text), canonical);
  });

  it('goes from text to number and back for both families', () => {
    fc.assert(fc.property(anyAddress, (address) => addressFrom(addressValue(address), family(address)) === address));
    fc.assert(fc.property(v4Address, (address) => BigInt(v4Value(address)) === addressValue(address)));
  });

  it('an offset there and back again is the same address', () => {
    fc.assert(
      fc.property(v6Address, fc.bigInt({ min: -1_000_000n, max: 1_000_000n }), (address, by) => {
        const value = addressValue(address) + by;
        fc.pre(value >= 0n && value < 1n << 128n);
        return offset(offset(address, by), -by) === address;
      }),
    );
    assert.throws(() => offset(parseAddress('255.255.255.255'), 1), BAD);
    assert.throws(() => offset(parseAddress('::'), -1), BAD);
  });

  it('orders by number, IPv4 before IPv6', () => {
    const texts = ['::1', '10.0.0.10', 'fd00::', '9.255.255.255', '10.0.0.9'].map(parseAddress);
    assert.deepEqual(texts.sort(compareAddresses), ['9.255.255.255', '10.0.0.9', '10.0.0.10', '::1', 'fd00::']);
  });
});
