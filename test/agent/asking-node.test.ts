/** A node that does not write routes: the reconciler does, and the node asks, reads and waits. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { LedgerRow } from '../../src/core/cloud-route.ts';
import { WeftError } from '../../src/core/errors.ts';
import { ledgerKey, ledgerRowToJson } from '../../src/core/ledger.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { ROUTE_WRITER_KEY, type RouteWriter } from '../../src/core/route-writer.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { never } from '../contract/store-world.ts';
import { World } from './cloud-keeper-world.ts';

const SECOND = 1000;
const MINUTE = 60_000;
const CREATE = 'create rtb-b 10.42.1.0/24 eni-1';
const config = (writer: RouteWriter['mode']) => ({
  Network: '10.42.0.0/16',
  Backend: { Type: 'auto' },
  Weft: { RouteWriter: writer },
});

describe('a node whose routes the reconciler writes', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
    world.config = config('reconciler');
  });
  afterEach(() => world.end());

  const messages = (): string[] => world.findings.all.map(({ code, message }) => `${code} ${message}`);
  const writer = (mode: RouteWriter['mode'], generation: number) =>
    world.records.put('writer', ROUTE_WRITER_KEY, { mode, generation }, undefined, never());
  const record = async () => (await world.records.list('writer', never())).records.get(ROUTE_WRITER_KEY)?.value;
  async function decide(table: string, changes: Partial<LedgerRow> = {}): Promise<void> {
    const row: LedgerRow = {
      table,
      destination: parseSubnet('10.42.1.0/24'),
      target: 'eni-1',
      epoch: 1,
      node: parseNodeId('node-1'),
      state: 'committed',
      generation: 1,
      ...changes,
    };
    await world.records.put('ledger', ledgerKey(table, row.destination), ledgerRowToJson(row), undefined, never());
  }
  const denied = (call: string): void => {
    if (call !== 'look' && call !== 'identify') throw new WeftError('CLOUD_DENIED', `may not ${call}`);
  };

  it('writes no route and knows its table; that it has no right to write is no trouble', async () => {
    await writer('reconciler', 1);
    world.cloud.forwarding.add('eni-1');
    world.cloud.before = denied;
    world.start();
    await world.pass(30 * MINUTE);
    assert.deepEqual([world.cloud.mutations, messages()], [[], []]);
    assert.equal(world.keeper.facts?.table, 'rtb-a');
    assert.equal(world.keeper.writer.mode, 'reconciler');
  });

  it('makes no look at the cloud when peers come', async () => {
    await writer('reconciler', 1);
    world.start();
    await world.pass(MINUTE);
    world.calls();
    world.join({ number: 5, subnet: 'subnet-c', table: 'rtb-main' });
    await world.pass(5 * MINUTE);
    assert.deepEqual(world.calls(), []);
  });

  it('switches off the check of its interface where it may', async () => {
    await writer('reconciler', 1);
    world.start();
    await world.pass();
    assert.deepEqual([world.cloud.mutations, messages()], [['prepare eni-1'], []]);
  });

  it('waits for the reconciler where it may not, says so when that takes long, and no more once it is done', async () => {
    await writer('reconciler', 1);
    world.cloud.before = denied;
    world.start();
    await world.pass(MINUTE);
    assert.deepEqual(messages(), []);
    await world.pass(10 * MINUTE);
    assert.equal(messages().length, 1);
    assert.match(
      messages().join(),
      /^RECONCILER_AWAITED the source\/destination check of eni-1 is still on, .* See whether a reconciler runs/,
    );
    world.cloud.forwarding.add('eni-1');
    await world.pass(10 * MINUTE);
    assert.deepEqual(messages(), []);
  });

  it('goes on writing where nodes have written, until a reconciler has taken over', async () => {
    world.config = config('node');
    world.start();
    await world.pass();
    assert.deepEqual(world.calls().slice(-2), [CREATE, 'look vpc-1']);
    world.config = config('reconciler');
    world.keeper.see();
    world.join({ number: 5, subnet: 'subnet-c', table: 'rtb-main' });
    await world.pass(MINUTE);
    assert.ok(world.calls().includes('create rtb-main 10.42.1.0/24 eni-1'), 'no reconciler is there yet');
    await writer('reconciler', 1);
    world.cloud.tables.get('rtb-b')?.routes.clear();
    await world.pass(30 * MINUTE);
    assert.deepEqual(world.cloud.mutations, []);
  });

  it('hands back to the nodes within seconds of the config, and takes its rows over without a call', async () => {
    await writer('reconciler', 3);
    world.cloud.foreign('rtb-b', parseSubnet('10.42.1.0/24'), 'eni-1');
    await decide('rtb-b', { generation: 3 });
    world.start();
    await world.pass(MINUTE);
    world.calls();
    world.config = config('node');
    world.keeper.see();
    await world.pass(10 * SECOND);
    assert.deepEqual(await record(), { mode: 'node', generation: 4, by: 'node-1' });
    assert.deepEqual(world.cloud.mutations, []);
    assert.deepEqual(
      world.keeper.own.map(({ state, generation }) => `${state} ${generation}`),
      ['committed 4'],
    );
  });

  it('follows a handover by another node within seconds', async () => {
    await writer('reconciler', 3);
    world.start();
    await world.pass(MINUTE);
    world.config = config('node');
    await writer('node', 4);
    await world.pass(10 * SECOND);
    assert.ok(world.cloud.mutations.includes(CREATE));
  });

  it('says why it has no route, once for all tables, and no more when it has', async () => {
    await writer('reconciler', 1);
    world.start();
    await world.pass(MINUTE);
    const why = 'instance i-1 lacks the tag weft:node';
    await decide('rtb-b', { state: 'refused', why });
    await decide('rtb-main', { state: 'refused', why });
    await world.pass(SECOND);
    assert.deepEqual(messages(), [`CLOUD_REFUSED no cloud route 10.42.1.0/24 in rtb-b, rtb-main: ${why}`]);
    assert.deepEqual([...world.keeper.counts.refused], [['CLOUD_REFUSED', 2]]);
    await decide('rtb-b');
    await decide('rtb-main');
    await world.pass(SECOND);
    assert.deepEqual(messages(), []);
    assert.deepEqual(world.calls().slice(3), [], 'what another hand decides is no reason to look');
  });

  it('that leaves takes no route away, and says whose it is to do', async () => {
    await writer('reconciler', 1);
    world.cloud.foreign('rtb-b', parseSubnet('10.42.1.0/24'), 'eni-1');
    await decide('rtb-b');
    world.start();
    await world.pass(MINUTE);
    const { stop } = world;
    stop.abort();
    await Promise.all(world.runs);
    await world.keeper.withdraw(never());
    assert.deepEqual(world.cloud.text, ['rtb-b 10.42.1.0/24 eni-1']);
    assert.ok(world.log.text.includes('info cloud routes are left to the reconciler {count}'), world.log.text.join());
  });
});
