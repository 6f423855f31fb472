import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSubnet } from '../../src/core/subnet.ts';
import { PinnedNetwork } from '../../src/reconcile/pinned-network.ts';
import { never } from '../contract/store-world.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

describe('a store whose network is pinned', () => {
  const signal = never();
  const clock = new ManualClock();
  const store = new MemoryStore(new MemoryNetwork(clock), clock, new SeededRandom(1));
  const pinned = new PinnedNetwork(store, parseSubnet('10.0.0.0/8'));
  const first = async (): Promise<unknown> => {
    for await (const { view } of pinned.watch(signal)) return view.config?.text;
    return 'no view';
  };

  it('shows a config that lies within it, none at all, and what others have to complain of', async () => {
    assert.equal(await pinned.config(signal), undefined);
    assert.equal(await first(), undefined);
    for (const text of ['{"Network":"10.0.0.0/8"}', '{"Network":"10.9.0.0/16"}', '{']) {
      await store.writeConfig(text, undefined, signal);
      assert.equal((await pinned.config(signal))?.text, text);
      assert.equal(await first(), text);
    }
  });

  it('shows none that is wider, or elsewhere', async () => {
    for (const network of ['0.0.0.0/1', '11.0.0.0/16', '10.0.0.0/7']) {
      await store.writeConfig(JSON.stringify({ Network: network }), undefined, signal);
      await assert.rejects(pinned.config(signal), { code: 'CONFIG_INVALID' });
      await assert.rejects(first(), { code: 'CONFIG_INVALID' });
    }
  });
});
