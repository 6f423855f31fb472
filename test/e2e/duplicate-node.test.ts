import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { difference, kernelState } from '../../src/lab/kernel-state.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { SteadyFlows } from '../../src/lab/steady-flows.ts';
import { closeLabs, reached, startCluster } from './cluster.ts';
import { onEachStore } from './on-each-store.ts';

onEachStore(import.meta.url, (store) => {
  describe('one node id twice', () => {
    let lab: Lab;

    before(async () => {
      lab = await startCluster(['a1', 'b1'], { store });
    });
    after(closeLabs);

    it('on two hosts: the newer one says so and ends; the older one keeps its subnet and its peers', async () => {
      const a1 = lab.host('a1');
      const before = await a1.status();
      const bare = await kernelState(lab.host('b2'));
      const plan = { ...lab.host('b2').plan, node: a1.plan.node };
      const flows = new SteadyFlows(lab, [
        ['a1', 'b1'],
        ['b1', 'a1'],
      ]);
      const clone = lab.addDaemon(plan, { folder: 'clone' });
      assert.equal(await clone.startDaemon().ended, 'exit code 1');
      assert.match(readFileSync(clone.logFile, 'utf8'), /DUPLICATE_NODE_ID/);
      const { lostPings, losers } = await flows.stop();
      assert.equal(lostPings, 0, losers.join());
      const now = await a1.status();
      assert.deepEqual([now?.state, now?.subnet, now?.epoch], ['held', before?.subnet, before?.epoch]);
      assert.deepEqual(await reached(lab), ['a1>b1 vxlan', 'b1>a1 vxlan']);
      // Nothing that would send or take packets in the name of the other's subnet. The leak guard stays, where it got so far before it was told.
      const left = difference(bare, await kernelState(lab.host('b2')));
      assert.deepEqual(
        left.filter((line) => line !== '+ route unreachable 10.42.0.0/16'),
        [],
      );
    });

    it('on one host, with one state directory: the second says which process runs, and ends', async () => {
      const a1 = lab.host('a1');
      const state = await kernelState(a1);
      const second = await a1.tryWeftd(['run', '--state-dir', a1.stateFolder, '--node-id', a1.plan.node]);
      assert.equal(second.code, 1);
      assert.match(second.stderr, new RegExp(`INSTANCE_RUNNING.*process ${a1.daemon?.pid}`));
      assert.deepEqual(await kernelState(a1), state);
      assert.deepEqual(await reached(lab), ['a1>b1 vxlan', 'b1>a1 vxlan']);
    });
  });
});
