import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { numbersOf, SLOT_COUNT, steeringOf } from '../../src/core/instance.ts';
import { PATH_NAMES } from '../../src/core/path.ts';

describe('the numbers of a daemon', () => {
  const slots = Array.from({ length: SLOT_COUNT }, (_, slot) => numbersOf(slot));
  const all = slots.flatMap((numbers) => PATH_NAMES.map((path) => ({ numbers, ...steeringOf(numbers, path) })));

  it('are its own: no two slots or paths share a mark, a table or a rule', () => {
    for (const key of ['mark', 'table', 'lookupPriority', 'unreachablePriority'] as const)
      assert.equal(new Set(all.map((one) => one[key])).size, SLOT_COUNT * PATH_NAMES.length, key);
  });

  it('stay within what the slot was given, below the leak guard', () => {
    for (const { numbers, table, lookupPriority, unreachablePriority } of all) {
      assert.ok(numbers.tables.includes(table));
      assert.ok(lookupPriority >= numbers.rulePriorities.from && unreachablePriority === lookupPriority + 1);
      assert.ok(unreachablePriority < numbers.guardLookupPriority);
    }
  });

  it('leave the mark bits of others alone: kube-proxy, CNI plugins, Cilium, AWS, and the upper half', () => {
    for (const { numbers, mark, mask } of all) {
      assert.equal(mark & ~mask, 0);
      assert.equal(mask & (0x4000 | 0x8000 | 0x2000 | 0x0f00 | 0x80 | 0xffff_0000), 0);
      assert.equal(mark & numbers.marks.mask, numbers.marks.first);
    }
    for (const { first, mask } of slots.map(({ marks }) => marks))
      assert.equal(all.filter(({ mark }) => (mark & mask) === first).length, PATH_NAMES.length);
  });
});
