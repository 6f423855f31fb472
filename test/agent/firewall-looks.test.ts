import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FirewallLooks } from '../../src/agent/firewall-looks.ts';
import { ManualClock } from '../fakes/manual-clock.ts';

async function begin() {
  const clock = new ManualClock(0);
  const wakes: string[] = [];
  const end = new AbortController();
  const looks = new FirewallLooks({
    clock,
    everyMs: 5000,
    wake: (changed) => wakes.push(`${clock.now()}: ${changed === 'all' ? 'all' : [...changed].join()}`),
  });
  const ended = assert.rejects(looks.run(end.signal), { code: 'ABORTED' });
  const stop = (): Promise<void> => {
    end.abort();
    return ended;
  };
  return { clock, wakes, looks, stop };
}

test('the packet filter is looked at by the clock only while a part of it tells of no change', async () => {
  const { clock, wakes, looks, stop } = await begin();
  await clock.advance(20_000);
  looks.settle({ firewall: 'tells of changes' });
  await clock.advance(20_000);
  assert.deepEqual(wakes, []);
  looks.settle({ firewall: 'is silent' });
  // A pass over a few leases says nothing of it.
  looks.settle({ firewall: undefined });
  await clock.advance(5000);
  await clock.advance(5000);
  assert.deepEqual(wakes, ['45000: firewall', '50000: firewall']);
  looks.settle({ firewall: 'tells of changes' });
  await clock.advance(20_000);
  assert.equal(wakes.length, 2);
  await stop();
});

test('a change that the kernel tells of is looked at alone, at once, from the first pass on', async () => {
  const { wakes, looks, stop } = await begin();
  looks.look();
  assert.deepEqual(wakes, []);
  looks.settle({ firewall: 'tells of changes' });
  looks.look();
  assert.deepEqual(wakes, ['0: firewall']);
  await stop();
});
