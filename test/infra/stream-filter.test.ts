import assert from 'node:assert/strict';
import { it } from 'node:test';
import { changesOf } from '../../infra/stream-filter.ts';
import { ledgerKey, ledgerRowToJson } from '../../src/core/ledger.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { attributes, HOUR, never, node, wish } from '../contract/store-world.ts';
import { describeOnDynamoDB } from '../dynamodb/ground.ts';
import { matches } from './event-pattern.ts';
import { readStream } from './table-stream.ts';

const signal = never();
const a = node('a');

describeOnDynamoDB('the filter of the stream, met by what the store really writes', (ground) => {
  /** What of the stream of the table reaches the reconciler of this network, and how much there was. */
  async function heard(network: string): Promise<{ readonly woke: number; readonly all: number }> {
    const { raw, server, world } = ground();
    const changes = await readStream(raw, server.endpoint, world.table);
    return { woke: changes.filter((change) => matches(changesOf(network), change)).length, all: changes.length };
  }

  /** How often something wakes the reconciler. It must have written something, or nothing is shown. */
  async function wakes(work: () => Promise<unknown>): Promise<number> {
    const { network } = ground().world;
    const before = await heard(network);
    await work();
    const after = await heard(network);
    assert.ok(after.all > before.all, 'nothing was written');
    return after.woke - before.woke;
  }

  it('a claim and a release wake the reconciler, a renewal does not', async () => {
    const { store } = ground().world.open();
    const { lease } = await store.claim(wish(a), signal);
    assert.equal(await wakes(() => store.renew(lease, attributes(a), HOUR, signal)), 0);
    const claims = await wakes(() => store.claim(wish(node('b')), signal));
    assert.equal(claims, 1);
    const renewed = await store.claim(wish(a), signal);
    assert.equal(await wakes(() => store.release(renewed.lease, signal)), 1);
  });

  it('a lease that says something new wakes it', async () => {
    const { store } = ground().world.open();
    const { lease } = await store.claim(wish(a), signal);
    assert.equal(await wakes(() => store.renew(lease, attributes(a, 2), HOUR, signal)), 1);
  });

  it('a changed config wakes it', async () => {
    const { store } = ground().world.open();
    assert.equal(await wakes(() => store.writeConfig('{"Network":"10.42.0.0/16"}', 'absent', signal)), 1);
  });

  it('what the reconciler writes itself does not: the ledger, its lock, the state of its runs', async () => {
    const { records } = ground().world.open();
    const destination = parseSubnet('10.42.1.0/24');
    const row = ledgerRowToJson({
      table: 'rtb-1',
      destination,
      target: 'eni-1',
      epoch: 1,
      node: parseNodeId('i-1'),
      state: 'committed',
      generation: 1,
    });
    assert.equal(
      await wakes(async () => {
        await records.put('ledger', ledgerKey('rtb-1', destination), row, 'absent', signal);
        await records.put('writer', 'routes', { mode: 'reconciler', generation: 1 }, 'absent', signal);
        await records.put('lock', 'reconciler', { owner: 'lambda' }, 'absent', signal);
        await records.put('run', 'state', { ageMs: 1 }, 'absent', signal);
        await records.put('budget', 'calls', { tokens: 1 }, 'absent', signal);
        await records.put('audit', '1', [], 'absent', signal);
      }),
      0,
    );
  });

  it("another network's changes in the same table do not", async () => {
    const { world, makeWorld } = ground();
    const other = await makeWorld();
    const before = await heard(world.network);
    await other.open().store.claim(wish(a), signal);
    assert.equal((await heard(world.network)).woke, before.woke);
    assert.equal((await heard(other.network)).woke, 1);
    await other.close();
  });
});
