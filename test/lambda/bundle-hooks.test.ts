/** Two tools hold up the end of an instance, each by a lifecycle hook of its own: the function, as it is uploaded, is one of them. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import { planned } from '../../src/lab/aws/account.ts';
import { deployedEvents } from '../../src/lab/aws/deployed-wakes.ts';
import { operate } from '../../src/lab/aws/lab-operations.ts';
import { wakeByEvents } from '../../src/lab/aws/lambda-sources.ts';
import { completeWait } from '../../src/lab/aws/scaling-life.ts';
import { BUNDLE, whyNoLambda } from './lambda-world.ts';
import { RunningFunction, SCHEDULE } from './running-function.ts';
import { NODES, routesFor, TABLES } from './small-cluster.ts';

const GROUP = 'nodes';
const OURS = 'weft-drain';
const THEIRS = 'ship-logs';
const instance = planned.instance('b3');

describe('the function and another tool, each with a lifecycle hook', { skip: whyNoLambda() ?? false }, () => {
  let running: RunningFunction;

  before(() => assert.ok(existsSync(path.join(BUNDLE, 'index.mjs')), `${BUNDLE} is not built: node build.mjs`));
  afterEach(() => running.close());

  const group = (hook: string): void => {
    operate(running.world.cloud, { op: 'scaling-group', name: GROUP, instances: 'b3', hook });
  };
  /** Who still holds the machine up, and what EC2 says of it. */
  const held = (): readonly [hooks: readonly string[], state: string | undefined] => {
    const { scaling, instances } = running.world.cloud.state;
    const waits = scaling.get(GROUP)?.members.get(instance)?.waits ?? new Map<string, string>();
    return [[...waits.keys()], instances.get(instance)?.state];
  };
  const completed = (): readonly (string | undefined)[] =>
    running.world.cloud.journal.entries
      .filter(({ action }) => action === 'CompleteLifecycleAction')
      .map(({ parameters }) => parameters['LifecycleHookName']);
  const otherToolEnds = (): void =>
    completeWait(running.world.cloud, { group: GROUP, hook: THEIRS, instance }, 'CONTINUE');

  describe('on a group with both', () => {
    // A machine without a lease: nobody sends to it, and it may go at once.
    beforeEach(async () => {
      running = await RunningFunction.start(NODES.filter(({ name }) => name !== 'b3'));
      group(OURS);
      operate(running.world.cloud, { op: 'lifecycle-hook', group: GROUP, hook: THEIRS });
    });

    it('completes its own action, and leaves the machine to the other tool', async () => {
      wakeByEvents(running.service, running.world.cloud.events, deployedEvents([GROUP], OURS));
      operate(running.world.cloud, { op: 'scale-in', instance: 'b3' });
      await running.until('the end of its own wait', () => {
        const [hooks] = held();
        return hooks.includes(OURS) ? { missing: running.lastWords } : { found: true };
      });
      await running.until('the end of its run', () =>
        running.service.invocations.length === 1 ? { found: true } : { missing: 'it runs' },
      );
      await running.service.invoke(SCHEDULE);
      assert.deepEqual(completed(), [OURS]);
      assert.deepEqual(held(), [[THEIRS], 'running']);
      otherToolEnds();
      assert.deepEqual(held(), [[], 'shutting-down']);
    });

    it('of an action of the other tool that a run before wrote down completes nothing', async () => {
      operate(running.world.cloud, { op: 'scale-in', instance: 'b3' });
      const token = running.world.cloud.state.scaling.get(GROUP)?.members.get(instance)?.waits.get(THEIRS);
      const action = { group: GROUP, hook: THEIRS, token: token ?? '' };
      await running.world.putRecord('leaving', instance, { v: 1, why: 'its group ends it', sinceMs: 0, action });
      await running.service.invoke(SCHEDULE);
      assert.deepEqual(completed(), []);
      assert.deepEqual(held(), [[OURS, THEIRS], 'running']);
    });
  });

  it('is not stirred by a hook of the other tool alone: routes and lease stay until the machine really goes', async () => {
    running = await RunningFunction.start(NODES);
    await running.service.invoke(SCHEDULE);
    group(THEIRS);
    // A rule of somebody's own, which lets every hook by.
    wakeByEvents(running.service, running.world.cloud.events, [{ source: ['aws.autoscaling', 'aws.ec2'] }]);
    operate(running.world.cloud, { op: 'scale-in', instance: 'b3' });
    const why = `the lifecycle hook is "${THEIRS}", and ours is "${OURS}": it is left alone`;
    await running.until('an answer', () => {
      const answers = running.service.invocations.map(({ outcome }) => JSON.stringify(outcome));
      const found = answers.some((text) => text.includes(JSON.stringify({ how: 'ignored', bad: [why] })));
      return found ? { found } : { missing: answers.join('\n') };
    });
    await running.service.invoke(SCHEDULE);
    assert.deepEqual(completed(), []);
    assert.deepEqual(held(), [[THEIRS], 'running']);
    assert.deepEqual(running.world.routes(TABLES.a), routesFor('a', NODES));

    otherToolEnds();
    await running.routesStand(NODES.filter(({ name }) => name !== 'b3'));
  });
});
