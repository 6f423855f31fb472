import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { planned } from '../../../src/lab/aws/account.ts';
import { runAws } from '../../../src/lab/aws/aws-command.ts';
import { deleteRoute, replaceRoute } from '../../../src/lab/aws/routes.ts';
import { cloudAndOffice } from '../../../src/lab/cloud-and-office.ts';
import { insideOf, ip, runIn } from '../../../src/lab/namespaces.ts';
import { attempt } from '../../../src/lab/program.ts';
import { enclosed } from '../enclosed.ts';
import { addressOf, HOSTS, rangeOf, SOCKET, VpcFixture } from './vpc-fixture.ts';

const TERMINAL = { stderr: { write: () => true }, env: {}, executable: '' };

enclosed(import.meta.url, () => {
  describe('where an emulated VPC leads packets', () => {
    let vpc: VpcFixture;
    before(async () => {
      vpc = await VpcFixture.start();
    });
    after(() => vpc.close());
    beforeEach(() => vpc.reset());

    it('lets all machines reach each other by their own addresses, across subnets and sites', async () => {
      const pairs = cloudAndOffice.hosts.flatMap((from) => cloudAndOffice.hosts.map((to) => ({ from, to })));
      const lost = await Promise.all(
        pairs
          .filter(({ from, to }) => from !== to)
          .map(async ({ from, to }) =>
            (await vpc.pinger.ping(from.name, to.address, 2)).lost > 0 ? [`${from.name}>${to.name}`] : [],
          ),
      );
      assert.deepEqual(lost.flat(), []);
    });

    it('CLOUD 1.6: has an MTU of 9001 inside the VPC, and 1500 out of it', async () => {
      const big = async (to: string): Promise<boolean> => {
        const [program, ...args] = insideOf('a1', ['ping', '-c1', '-W1', '-Mdo', '-s8900', to]);
        return (await attempt(program, args)).code === 0;
      };
      assert.equal(await big('10.0.2.11'), true);
      assert.equal(await big('192.168.50.11'), false);
    });

    it('CLOUD 1.2: each subnet goes by its own route table', async () => {
      for (const host of HOSTS) await vpc.setCheck(host, false);
      await vpc.advertise('table-a', 'b1');
      assert.equal(await vpc.containersReach('a1', 'b1'), false, 'there is no way back yet');
      await vpc.advertise('table-b', 'a1');
      assert.equal(await vpc.containersReach('a1', 'b1'), true);
      assert.equal(await vpc.containersReach('b1', 'a1'), true);
      assert.equal(await vpc.containersReach('a2', 'b1'), false, 'table B knows nothing of a2');
    });

    it('CLOUD 1.2: goes by another table at once when the association or the main table changes', async () => {
      for (const host of HOSTS) await vpc.setCheck(host, false);
      await vpc.advertise('main', 'b1');
      await vpc.advertise('table-b', 'a1');
      assert.equal(await vpc.containersReach('a1', 'b1'), false);
      await vpc.aws.do('associate', { subnet: 'a' });
      assert.equal(await vpc.containersReach('a1', 'b1'), true, 'the main table serves it now');
      await vpc.aws.do('associate', { subnet: 'a', table: 'table-a' });
      assert.equal(await vpc.containersReach('a1', 'b1'), false);
    });

    it('CLOUD 1.2: longest prefix wins, and a replaced route leads elsewhere', async () => {
      for (const host of HOSTS) await vpc.setCheck(host, false);
      await vpc.advertise('table-b', 'a1');
      await vpc.advertise('table-a', 'b1', '10.42.0.0/16');
      assert.equal(await vpc.containersReach('a1', 'b1'), true);
      await vpc.advertise('table-a', 'a2', rangeOf('b1'));
      assert.equal(await vpc.containersReach('a1', 'b1'), false);
      await vpc.change((state) =>
        replaceRoute(state, planned.table('table-a'), rangeOf('b1'), { interface: planned.interface('b1') }),
      );
      assert.equal(await vpc.containersReach('a1', 'b1'), true);
      await vpc.change((state) => deleteRoute(state, planned.table('table-a'), '10.42.0.0/16'));
    });

    it('CLOUD 1.2: within a subnet a frame to the peer’s own MAC asks no route table', async () => {
      await vpc.setCheck('a1', false);
      await vpc.setCheck('a2', false);
      await ip([`route replace ${rangeOf('a2')} via 10.0.1.12`], 'a1');
      await ip([`route replace ${rangeOf('a1')} via 10.0.1.11`], 'a2');
      assert.equal(await vpc.containersReach('a1', 'a2'), true);
      await vpc.setCheck('a2', true);
      assert.equal(await vpc.containersReach('a1', 'a2'), false, 'the check is asked');
      await ip([`route delete ${rangeOf('a2')}`], 'a1');
      await ip([`route delete ${rangeOf('a1')}`], 'a2');
    });

    it('CLOUD 1.2: a black hole eats packets while the API calls the route active, and mends', async () => {
      for (const host of HOSTS) await vpc.setCheck(host, false);
      await vpc.advertise('table-a', 'b1');
      await vpc.advertise('table-b', 'a1');
      await vpc.aws.do('kill-routes', { instance: 'b1' });
      assert.equal(vpc.aws.cloud.state.interfaces.get(planned.interface('b1'))?.shownAs, 'active');
      assert.equal(await vpc.containersReach('a1', 'b1'), false);
      assert.equal(await vpc.reaches('a1', addressOf('b1')), true, 'the host itself is well');
      await vpc.aws.do('mend-routes', { instance: 'b1' });
      assert.equal(await vpc.containersReach('a1', 'b1'), true);
    });

    it('CLOUD 1.2: a stopping instance neither sends nor receives, and does again when it runs', async () => {
      await vpc.aws.do('stop', { instance: 'a2' });
      assert.equal(await vpc.reaches('a1', '10.0.1.12'), false, 'in its subnet');
      assert.equal(await vpc.reaches('b1', '10.0.1.12'), false, 'routed');
      await vpc.clock.advance(1000);
      await vpc.aws.do('start', { instance: 'a2' });
      await vpc.clock.advance(1000);
      await vpc.aws.settled();
      assert.equal(await vpc.reaches('a1', '10.0.1.12'), true);
    });

    it('CLOUD 1.3: packets may follow a route later than its answer', async () => {
      for (const host of HOSTS) await vpc.setCheck(host, false);
      await vpc.advertise('table-b', 'a1');
      vpc.aws.cloud.settings = { ...vpc.aws.cloud.settings, forwardingMs: 2000 };
      await vpc.advertise('table-a', 'b1');
      assert.equal(await vpc.containersReach('a1', 'b1'), false);
      await vpc.clock.advance(2000);
      await vpc.aws.settled();
      assert.equal(await vpc.containersReach('a1', 'b1'), true);
      vpc.aws.cloud.settings = { ...vpc.aws.cloud.settings, forwardingMs: 0 };
    });

    it('serves metadata to each host at 169.254.169.254, and the API to all', async () => {
      const code = `
        const head = { 'x-aws-ec2-metadata-token-ttl-seconds': '60' };
        const token = await (await fetch('http://169.254.169.254/latest/api/token', { method: 'PUT', headers: head })).text();
        const get = async (path) => (await fetch('http://169.254.169.254/latest/meta-data/' + path, { headers: { 'x-aws-ec2-metadata-token': token } })).text();
        const api = await fetch('${vpc.aws.endpoint}/_lab/counts');
        console.log(await get('instance-id'), await get('mac'), api.status);`;
      for (const host of ['a1', 'b1'] as const) {
        const line = await runIn(host, [process.execPath, '--input-type=module', '-e', code]);
        const mac = vpc.aws.cloud.state.interfaces.get(planned.interface(host))?.mac ?? '';
        assert.equal(line.trim(), `${planned.instance(host)} ${mac} 200`);
        assert.ok((await runIn(host, ['ip', '-o', 'link', 'show', 'eth0'])).includes(mac));
      }
    });

    it('is switched by the control endpoint, as a person does with weftd lab aws', async () => {
      const said: string[] = [];
      const io = { ...TERMINAL, stdout: { write: (text: string) => said.push(text) } };
      await runAws(['kill-routes', 'instance=b1'], SOCKET, io);
      await runAws(['settings', 'visibilityMs=20'], SOCKET, io);
      await runAws(['state'], SOCKET, io);
      const state = said.join('');
      assert.ok(state.includes(`damage routes to ${planned.interface('b1')} are dead`), state);
      assert.ok(state.includes('visibilityMs 20'), state);
      await assert.rejects(runAws(['kill-routes', 'instance=b7'], SOCKET, io), /no i is named "b7"/);
      await runAws(['settings', 'visibilityMs=0'], SOCKET, io);
    });
  });
});
