/** One account with two VPCs, and real packets in both. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { parseSubnet } from '../../../src/core/subnet.ts';
import { planned } from '../../../src/lab/aws/account.ts';
import { AwsInLab, instanceEnvironment, isInstance } from '../../../src/lab/aws/aws-site.ts';
import { setSourceDestCheck } from '../../../src/lab/aws/interfaces.ts';
import { createRoute } from '../../../src/lab/aws/routes.ts';
import { cloudAndOffice, instance } from '../../../src/lab/cloud-and-office.ts';
import { insideOf, ip, runIn } from '../../../src/lab/namespaces.ts';
import { attempt } from '../../../src/lab/program.ts';
import type { Topology } from '../../../src/lab/topology.ts';
import { buildWorld } from '../../../src/lab/world.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { enclosed } from '../enclosed.ts';

/** `west` has two subnets too, and its machines stand in no other's way. */
const two: Topology = {
  ...cloudAndOffice,
  sites: [
    ...cloudAndOffice.sites,
    {
      name: 'west',
      segments: [
        { name: 'c', title: 'subnet C', range: parseSubnet('10.9.1.0/24') },
        { name: 'd', title: 'subnet D', range: parseSubnet('10.9.2.0/24') },
      ],
      mtuBytes: 9001,
      vpc: {
        region: 'eu-central-1',
        ranges: ['10.9.0.0/16'],
        tables: [{ name: 'west-main' }],
        subnets: { c: { zone: 'eu-central-1a' }, d: { zone: 'eu-central-1b' } },
        groups: [{ name: 'west-nodes', ingress: [{ peer: '10.0.0.0/8' }] }],
        role: 'weft-node',
      },
    },
  ],
  joins: [...(cloudAndOffice.joins ?? []), { sites: ['west', 'internet'], range: parseSubnet('172.30.8.8/30') }],
  hosts: [...cloudAndOffice.hosts, instance('c1', 'c', '10.9.1.11'), instance('d1', 'd', '10.9.2.11')],
};

enclosed(import.meta.url, () => {
  describe('an account with two VPCs', () => {
    let aws: AwsInLab;
    before(async () => {
      await buildWorld(two, new AbortController().signal);
      const started = await AwsInLab.start(two, { clock: new ManualClock() });
      assert.ok(started);
      aws = started;
    });
    after(() => aws.close());

    const metadata = async (host: string, path: string): Promise<string> => {
      const code = `
        const base = 'http://169.254.169.254/latest/';
        const head = { 'x-aws-ec2-metadata-token-ttl-seconds': '60' };
        const token = await (await fetch(base + 'api/token', { method: 'PUT', headers: head })).text();
        const answer = await fetch(base + 'meta-data/${path}', { headers: { 'x-aws-ec2-metadata-token': token } });
        process.stdout.write(await answer.text());`;
      return await runIn(host, [process.execPath, '--input-type=module', '-e', code]);
    };
    const reaches = async (from: string, source: string, to: string): Promise<boolean> => {
      const [program, ...args] = insideOf(from, ['ping', '-c', '2', '-i', '0.02', '-W', '1', '-I', source, to]);
      return (await attempt(program, args)).code === 0;
    };

    it('tells each machine who it is, in its own VPC', async () => {
      assert.equal(await metadata('a1', 'instance-id'), planned.instance('a1'));
      assert.equal(await metadata('c1', 'instance-id'), planned.instance('c1'));
      const [mac] = (await metadata('c1', 'network/interfaces/macs/')).split('/');
      assert.equal(await metadata('c1', `network/interfaces/macs/${mac}/vpc-id`), planned.vpc('west'));
    });

    it('leads packets by the tables of their own VPC alone', async () => {
      await ip(['address add 10.42.9.2/32 dev lo'], 'd1');
      await ip(['address add 10.42.8.2/32 dev lo'], 'c1');
      const put = (range: string, host: string): void =>
        aws.cloud.write((state) =>
          createRoute(
            setSourceDestCheck(state, planned.interface(host), false),
            planned.table('west-main'),
            range,
            { interface: planned.interface(host) },
            500,
          ),
        );
      put('10.42.8.0/24', 'c1');
      put('10.42.9.0/24', 'd1');
      await aws.settled();
      assert.equal(await reaches('c1', '10.42.8.2', '10.42.9.2'), true);
      assert.equal(await reaches('a1', '10.0.1.11', '10.42.9.2'), false);
      assert.throws(
        () =>
          aws.cloud.write((state) =>
            createRoute(state, planned.table('table-a'), '10.42.9.0/24', { interface: planned.interface('d1') }, 500),
          ),
        /belong to different networks/,
      );
    });

    it('knows the machines of both, and serves all services at one address', () => {
      assert.deepEqual(
        two.hosts.filter((host) => isInstance(two, host)).map(({ name }) => name),
        ['a1', 'a2', 'b1', 'c1', 'd1'],
      );
      const services = Object.entries(instanceEnvironment(aws)).filter(([name]) => name.startsWith('AWS_ENDPOINT_URL'));
      assert.deepEqual(new Set(services.map(([, url]) => url)), new Set([aws.endpoint]));
    });
  });
});
