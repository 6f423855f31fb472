import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AwsInLab } from '../../src/lab/aws/aws-site.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { enclosed } from '../lab/enclosed.ts';
import { closeLabs } from './cluster.ts';
import { startCloud, startInCloud } from './cloud-cluster.ts';
import { Stream } from './streams.ts';
import { settledOn } from './turns.ts';

enclosed(import.meta.url, () => {
  describe('TCP streams over a route table', () => {
    let aws: AwsInLab;
    let hosts: readonly LabHost[];
    const streams: Stream[] = [];

    before(async () => {
      // What is not from the Network, and goes to another host's part of it, gets the address of the device that it leaves by: a stream that is masqueraded does not outlive a change of path.
      const cloud = await startCloud(undefined, { flags: ['--ip-masq'] });
      aws = cloud.aws;
      hosts = await startInCloud(cloud.lab, ['a1', 'b1']);
      await settledOn({ 'a1>b1': 'fabric', 'b1>a1': 'fabric' }, hosts);
      for (const host of hosts) assert.match(await host.run(['nft', 'list', 'tables']), /weft_masq_/);
      const [a1, b1] = [cloud.lab.host('a1'), cloud.lab.host('b1')];
      streams.push(
        await Stream.open(a1.container.name, b1, 7001),
        await Stream.open(a1.name, b1, 7002),
        await Stream.open(b1.name, a1, 7003),
      );
    });
    after(async () => {
      for (const each of streams) each.kill();
      await closeLabs();
    });

    const goOn = (): Promise<unknown> => Promise.all(streams.map((each) => each.goesOn()));

    it('go on when the route of one direction dies', async () => {
      await goOn();
      await aws.do('kill-routes', { instance: 'b1' });
      await settledOn({ 'a1>b1': 'vxlan', 'b1>a1': 'fabric' }, hosts);
      await goOn();
    });

    it('go on when the other dies too', async () => {
      await aws.do('kill-routes', { instance: 'a1' });
      await settledOn({ 'a1>b1': 'vxlan', 'b1>a1': 'vxlan' }, hosts);
      await goOn();
    });

    it('go on when both are mended, and the pair comes back', async () => {
      await aws.do('mend-routes', { instance: 'b1' });
      await aws.do('mend-routes', { instance: 'a1' });
      await settledOn({ 'a1>b1': 'fabric', 'b1>a1': 'fabric' }, hosts);
      await goOn();
    });

    it('end whole: containers have one connection to a container, and so have hosts', async () => {
      for (const each of streams) await each.whole();
    });
  });
});
