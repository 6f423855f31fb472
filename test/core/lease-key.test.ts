import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { leaseKeyOf, parseLeaseKey } from '../../src/core/lease-key.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { subnetIn } from './arbitraries.ts';

describe('lease keys', () => {
  it('SN-5: an IPv4 key is read, and written as it was', () => {
    assert.deepEqual(parseLeaseKey('10.12.13.0-24'), { key: '10.12.13.0-24', subnet: { v4: '10.12.13.0/24' } });
    assert.equal(leaseKeyOf({ v4: parseSubnet('10.12.13.0/24') }), '10.12.13.0-24');
  });

  it('SN-6: so is a key of both families', () => {
    const key = '10.12.13.0-24&fd00:12:13::-56';
    const subnet = { v4: parseSubnet('10.12.13.0/24'), v6: parseSubnet('fd00:12:13::/56') };
    assert.deepEqual(parseLeaseKey(key), { key, subnet });
    assert.equal(leaseKeyOf(subnet), key);
    assert.equal(
      leaseKeyOf({ v4: parseSubnet('10.5.34.0/24'), v6: parseSubnet('2001:cafe:42:6::/64') }),
      '10.5.34.0-24&2001:cafe:42:6::-64',
    );
  });

  it('SN-7: nothing is read from keys that are wrong', () => {
    const keys = [
      '10',
      '10.12.13.0',
      '10.12.13-24',
      '10.12.13.300-24',
      '10.12.13.0-24hi',
      '&2001::-56',
      '10.12.13.0-24&:12:13:-56',
      '10.12.13.0-24&20011::-56',
      '10.12.13.0-24&2001-56',
      '10.12.13.0-24&2001::',
      '10.12.13.0-24&2001::-56hi',
    ];
    for (const key of keys) assert.equal(parseLeaseKey(key), undefined, key);
  });

  it('SN-9: no text makes the reader fail', () => {
    for (const key of [
      '10.5.1.0-24',
      '10.5.1.0-24&fc00::-64',
      '255.255.255.255-32',
      'garbage',
      '',
      '1'.repeat(1_000_000),
    ])
      parseLeaseKey(key);
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f.:&-]{0,40}$/)), (text) => void parseLeaseKey(text)),
    );
  });

  it('lengths that flannel has no room for are refused: /32 and /128', () => {
    assert.equal(parseLeaseKey('10.5.1.1-32'), undefined);
    assert.ok(parseLeaseKey('10.5.1.2-31'));
    assert.equal(parseLeaseKey('10.5.1.0-24&fc00::1-128'), undefined);
    assert.ok(parseLeaseKey('10.5.1.0-24&fc00::2-127'));
  });

  it('of all texts for one subnet only the one that flannel writes is taken', () => {
    for (const key of [
      'x10.5.1.0-24',
      'a/10.5.1.0-24',
      '10.5.1.7-24',
      '010.5.1.0-24',
      '10.5.1.0-024',
      '10.5.1.0-24/',
      '10.5.1.0-24&FC00::-64',
      '10.5.1.0-24&fc00:0::-64',
      '10.5.1.0-24&fc00::1-64',
      '10.5.1.0-24&10.6.1.0-24',
      'fc00::-31',
    ]) {
      assert.equal(parseLeaseKey(key), undefined, key);
    }
  });

  it('round trips for every subnet, and every key that is read is its own text', () => {
    const v4 = subnetIn(4, 0, 31);
    const v6 = subnetIn(6, 0, 127);
    fc.assert(
      fc.property(fc.oneof(fc.record({ v4 }), fc.record({ v4, v6 })), (subnet) => {
        const key = leaseKeyOf(subnet);
        assert.deepEqual(parseLeaseKey(key), { key, subnet: { ...subnet } });
      }),
    );
  });
});
