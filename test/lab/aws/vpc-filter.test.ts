import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { parseAddress } from '../../../src/core/address.ts';
import { runIn } from '../../../src/lab/namespaces.ts';
import type { Flow } from '../../../src/lab/pinger.ts';
import { enclosed } from '../enclosed.ts';
import { addressOf, HOSTS, VpcFixture } from './vpc-fixture.ts';

enclosed(import.meta.url, () => {
  describe('what the interfaces of an emulated VPC let through', () => {
    let vpc: VpcFixture;
    before(async () => {
      vpc = await VpcFixture.start();
    });
    after(() => vpc.close());
    beforeEach(() => vpc.reset());

    it('CLOUD 1.5: the check at either end drops what is not the interface’s own', async () => {
      await vpc.advertise('table-a', 'b1');
      await vpc.advertise('table-b', 'a1');
      const seen = [];
      for (const [sender, receiver] of [
        [true, true],
        [true, false],
        [false, true],
        [false, false],
      ] as const) {
        await vpc.setCheck('a1', sender);
        await vpc.setCheck('b1', receiver);
        seen.push(await vpc.containersReach('a1', 'b1'));
      }
      assert.deepEqual(seen, [false, false, false, true]);
      await vpc.setCheck('a1', true);
      assert.equal(await vpc.reaches('a1', addressOf('b1')), true, 'own addresses pass in any case');
    });

    it('CLOUD 1.5: groups apply to forwarded packets by the addresses that these carry', async () => {
      for (const host of HOSTS) await vpc.setCheck(host, false);
      await vpc.advertise('table-a', 'b1');
      await vpc.advertise('table-b', 'a1');
      const look = async (): Promise<readonly boolean[]> => [
        await vpc.reaches('a1', addressOf('b1')),
        await vpc.containersReach('a1', 'b1'),
      ];
      await vpc.ingress([{ peer: '10.0.0.0/16' }]);
      assert.deepEqual(await look(), [true, false], 'a range that has the hosts alone');
      await vpc.ingress([{ peer: 'nodes' }]);
      assert.deepEqual(await look(), [true, false], 'a group, which means its interfaces’ own addresses');
      await vpc.ingress([{ peer: '10.42.0.0/16' }]);
      assert.deepEqual(await look(), [false, true], 'a range that has the containers alone');
    });

    it('groups are stateful: answers come in, and what nobody asked for does not', async () => {
      await vpc.ingress([]);
      assert.equal(await vpc.reaches('o1', '10.0.1.11'), false);
      assert.equal(await vpc.reaches('a1', '192.168.50.11'), true);
      await vpc.ingress([{ protocol: 'tcp', ports: [7000, 7001], peer: '10.0.0.0/16' }]);
      assert.equal(await vpc.connects('b1', '10.0.1.11', 7000), true);
      assert.equal(await vpc.connects('b1', '10.0.1.11', 7002), false);
      assert.equal(await vpc.connects('a1', '192.168.50.11', 7002), true);
      assert.match(
        await runIn('vpc', ['nft', 'list', 'set', 'bridge', 'vpc', 'tcp_flows']),
        /"p-a1" \. 10\.0\.1\.11 \. 192\.168\.50\.11 \. \d+ \. 7002 /,
      );
    });

    it('a change of groups leaves connections alone that stand', async () => {
      const flow = vpc.pinger.start({ from: 'o1', to: parseAddress('10.0.1.11'), intervalMs: 5 });
      await sends(flow, 20);
      await vpc.aws.do('drop', { from: '10.9.9.0/24', to: '10.0.0.0/16' });
      await vpc.setCheck('a1', false);
      await sends(flow, 20);
      assert.equal((await flow.stop()).lost, 0);
    });

    it('drops one direction alone', async () => {
      await vpc.aws.do('drop', { from: '10.0.1.11/32', to: '10.0.2.11/32' });
      const before = [await vpc.requestsHeard('a1'), await vpc.requestsHeard('b1')];
      assert.equal(await vpc.reaches('a1', '10.0.2.11'), false);
      assert.equal(await vpc.reaches('b1', '10.0.1.11'), false);
      const after = [await vpc.requestsHeard('a1'), await vpc.requestsHeard('b1')];
      assert.deepEqual([(after[0] ?? 0) - (before[0] ?? 0), (after[1] ?? 0) - (before[1] ?? 0)], [2, 0]);
      await vpc.aws.do('clear-damage');
      assert.equal(await vpc.reaches('a1', '10.0.2.11'), true);
    });
  });
});

async function sends(flow: Flow, more: number): Promise<void> {
  const { sent } = await flow.look();
  while ((await flow.look()).sent < sent + more);
}
