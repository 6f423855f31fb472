import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { goPattern } from '../../src/core/go-pattern.ts';

const matches = (pattern: string, text: string): boolean => {
  const read = goPattern(pattern);
  assert.ok('expression' in read, 'why' in read ? `${pattern}: ${read.why}` : '');
  return read.expression.test(text);
};

describe('a pattern in Go’s syntax', () => {
  for (const [pattern, yes, no] of [
    ['^eth[0-9]+$', 'eth0', 'veth0'],
    ['(?i)^ETH', 'eth0', 'veth0'],
    ['(?is)^e.h', 'E\nh', 'veth0'],
    ['^eth[[:digit:]]+$', 'eth12', 'eth:'],
    ['^[[:alpha:]_[:digit:]]+$', 'a_1', 'a-1'],
    ['^[^[:space:]]+$', 'eth0', 'eth 0'],
    ['^[[:punct:]]$', ']', 'a'],
    ['^[[:xdigit:]]+$', 'aF9', 'g'],
    ['^[]a]+$', 'a]', 'b'],
    ['^[^]a]+$', 'b', ']'],
    ['^a[\\]b]$', 'a]', 'a\\'],
    ['^\\[:digit:\\]$', '[:digit:]', '1'],
    ['^(?:eth|ens)\\d', 'ens5', 'eno1'],
    ['[a[b]$', '[', 'c'],
  ] as const) {
    it(`${pattern} fits ${JSON.stringify(yes)} and not ${JSON.stringify(no)}`, () => {
      assert.deepEqual([matches(pattern, yes), matches(pattern, no)], [true, false]);
    });
  }

  for (const [pattern, named] of [
    ['\\Aeth0', '\\A'],
    ['eth0\\z', '\\z'],
    ['\\Qeth.0\\E', '\\Q'],
    ['^\\pL+$', '\\p'],
    ['[\\PL]', '\\P'],
    ['\\x{65}th', '\\x{'],
    ['eth(?i)0', '(?i)'],
    ['(?U)e.*', '(?U)'],
    ['(?i-s)e', '(?i-s)'],
    ['(?i:eth)0', '(?i:'],
    ['(?P<n>eth)', '(?P<'],
    ['[[:^digit:]]', '[:^digit:]'],
    ['[[:letter:]]', '[:letter:]'],
  ] as const) {
    it(`${pattern} is refused by what JavaScript does not know, or reads otherwise`, () => {
      assert.deepEqual(goPattern(pattern), { why: `${named} is not understood here` });
    });
  }

  it('that is broken says how', () => {
    const read = goPattern('eth(');
    assert.match('why' in read ? read.why : '', /Unterminated group/);
    assert.deepEqual(goPattern(''), { why: 'it is empty' });
  });
});
