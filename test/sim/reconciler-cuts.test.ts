/** A run that is cut and is told so: at each of its calls, in each way, and the runs after it end where one without a cut ends. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cutsEverywhere, uncut } from '../reconcile/cut-everywhere.ts';
import { destination, instanceOf } from '../reconcile/reconciler-world.ts';
import { changes } from '../reconcile/world-state.ts';

describe('a reconciler that is cut', () => {
  it('uncut: creates, replaces, adopts, keeps, removes, drains, frees, and touches nothing foreign', async () => {
    const { script, end } = await uncut();
    assert.deepEqual(script.world.cloud.text, [
      `rtb-a ${destination(10)} eni-of-nobody`,
      `rtb-a ${destination(3)} eni-3`,
      `rtb-a ${destination(4)} eni-4`,
      `rtb-a ${destination(9)} igw-1`,
      `rtb-b ${destination(1)} eni-1`,
      `rtb-b ${destination(12)} igw-1`,
      `rtb-b ${destination(2)} eni-2b`,
    ]);
    assert.deepEqual(changes(script.world).toSorted(), [
      `create rtb-b ${destination(1)} eni-1`,
      'prepare eni-4',
      `remove rtb-a ${destination(5)} eni-5`,
      `remove rtb-a ${destination(6)} eni-6`,
      `remove rtb-a ${destination(7)} eni-7`,
      `remove rtb-a ${destination(8)} eni-8`,
      `replace rtb-b ${destination(2)} eni-2b`,
    ]);
    assert.deepEqual(
      end.filter((line) => /^(row|lease|freed|completed|writer|waiting)/.test(line)),
      [
        `completed ${instanceOf(6)} token-6`,
        `freed ${destination(5)} of ${instanceOf(5)}`,
        `freed ${destination(6)} of ${instanceOf(6)}`,
        `lease ${destination(1)} ${instanceOf(1)} epoch 2`,
        `lease ${destination(11)} ${instanceOf(11)} epoch 4`,
        `lease ${destination(2)} ${instanceOf(2)} epoch 3`,
        `lease ${destination(3)} ${instanceOf(3)} epoch 6`,
        `lease ${destination(4)} ${instanceOf(4)} epoch 7`,
        `row rtb-a ${destination(3)} eni-3 committed epoch 6 generation 1`,
        `row rtb-a ${destination(4)} eni-4 committed epoch 7 generation 1`,
        `row rtb-b ${destination(1)} eni-1 committed epoch 2 generation 1`,
        `row rtb-b ${destination(11)} eni-11 refused epoch 4 generation 1`,
        `row rtb-b ${destination(2)} eni-2b committed epoch 3 generation 1`,
        'writer {"mode":"reconciler","generation":1,"by":"lambda"}',
      ],
    );
  });

  cutsEverywhere(['refused', 'throttled', 'answer lost', 'store away', 'cloud away']);
});
