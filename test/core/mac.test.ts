import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isUnicastMac, macFrom, tryMac } from '../../src/core/mac.ts';

describe('MAC addresses', () => {
  it('are read in either case and written in lower case', () => {
    assert.equal(tryMac('AE:F2:1a:4A:99:66'), 'ae:f2:1a:4a:99:66');
  });

  it('are not read from anything else', () => {
    for (const text of [
      '',
      'ae:f2:1a:4a:99',
      'ae:f2:1a:4a:99:66:00',
      'ae-f2-1a-4a-99-66',
      'ae:f2:1a:4a:99:6g',
      'ae:f2:1a:4a:99:66\n',
    ]) {
      assert.equal(tryMac(text), undefined, JSON.stringify(text));
    }
  });

  it('MC-1: made from a text are locally administered unicast, and the same for the same text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const mac = macFrom(text);
        assert.equal(tryMac(mac), mac);
        assert.equal(Number.parseInt(mac.slice(0, 2), 16) & 3, 2);
        assert.equal(isUnicastMac(mac), true);
        assert.equal(macFrom(text), mac);
      }),
    );
  });

  it('made from node ids stay as they are, release after release', () => {
    assert.equal(macFrom('i-0123456789abcdef0'), '16:c4:9d:93:30:57');
  });

  it('of 5,000 nodes are all different', () => {
    assert.equal(new Set(Array.from({ length: 5000 }, (_, n) => macFrom(`node-${n}`))).size, 5000);
  });

  it('of groups, and the zero address, are not unicast', () => {
    for (const text of ['01:00:5e:00:00:01', 'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00']) {
      const mac = tryMac(text);
      assert.ok(mac !== undefined);
      assert.equal(isUnicastMac(mac), false, text);
    }
  });
});
