import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../src/lab/eventually.ts';
import type { AwsInLab } from '../../src/lab/aws/aws-site.ts';
import { CONTAINERS } from '../../src/lab/cloud-and-office.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { pingAllPairs } from '../../src/lab/matrix.ts';
import { runIn } from '../../src/lab/namespaces.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes } from './becomes.ts';
import { closeLabs, never } from './cluster.ts';
import { startCloud, startInCloud, traffic } from './cloud-cluster.ts';
import { OWN_GROUP, sixInACloud, VPC_RANGE } from './six-in-a-cloud.ts';
import { settledOn, turnedSince, turnsOf, type Turns } from './turns.ts';

/** Also on a machine that is busy with other things: a filter remembers what passed for ten seconds at least. */
const WITHIN_MS = 120_000;
const NAMES = ['a1', 'a2', 'b1', 'b2'];
const AT_FIRST = Object.fromEntries(
  NAMES.flatMap((from) =>
    NAMES.filter((to) => to !== from).map((to) => [`${from}>${to}`, from[0] === to[0] ? 'direct' : 'fabric']),
  ),
);

enclosed(import.meta.url, () => {
  describe('a fault of one direction', () => {
    let lab: Lab;
    let aws: AwsInLab;
    let hosts: readonly LabHost[];
    let host: (name: string) => LabHost;
    let turns: Turns;

    before(async () => {
      ({ lab, aws } = await startCloud(sixInACloud));
      hosts = await startInCloud(lab, NAMES);
      host = (name) => lab.host(name);
      traffic(lab, hosts);
      await settledOn(AT_FIRST, hosts);
      turns = await turnsOf(hosts);
    });
    after(closeLabs);

    /** Waits until these directions have turned so since the beginning, and no other. */
    const haveTurned = (expected: Turns): Promise<void> =>
      becomes('just these directions have turned', expected, () => turnedSince(turns, hosts), WITHIN_MS);
    const noneIsLost = async (): Promise<void> => {
      const lost = (await pingAllPairs(hosts, lab.pinger)).filter(({ ok }) => !ok);
      assert.deepEqual(lost, []);
    };
    /** All are where they were at first, and only these have been elsewhere meanwhile. */
    const haveReturned = async (expected: Turns): Promise<void> => {
      await haveTurned(expected);
      await settledOn(AT_FIRST, hosts);
      assert.deepEqual(await turnedSince(turns, hosts), expected);
      turns = await turnsOf(hosts);
    };

    it('that the network drops moves one sender to one peer', async () => {
      await aws.do('drop', { from: host('b1').container.subnet, to: host('a2').container.subnet });
      await haveTurned({ 'b1>a2': ['vxlan'] });
      await noneIsLost();
      await aws.do('clear-damage');
      await haveReturned({ 'b1>a2': ['vxlan', 'fabric'] });
    });

    it('of a route table moves those who use the table, and not the way back to them', async () => {
      const route = { table: 'table-a', destination: host('b2').container.subnet };
      await aws.do('remove-route', route);
      await haveTurned({ 'a1>b2': ['vxlan'], 'a2>b2': ['vxlan'] });
      await noneIsLost();
      await aws.do('put-route', { ...route, instance: 'b2' });
      // Those who fell may have told the ledger: its owner, who knows better, would look half a minute later by itself.
      host('b2').daemon?.kill('SIGHUP');
      await haveReturned({ 'a1>b2': ['vxlan', 'fabric'], 'a2>b2': ['vxlan', 'fabric'] });
    });

    it('of a security group that knows hosts and not their containers moves all that goes in, and nothing that goes out', async () => {
      const intoB1 = (...paths: readonly string[]): Turns => ({
        'a1>b1': ['vxlan', ...paths],
        'a2>b1': ['vxlan', ...paths],
        'b2>b1': ['vxlan', ...(paths.length === 0 ? [] : ['direct'])],
      });
      await aws.do('ingress', { group: OWN_GROUP, peers: VPC_RANGE });
      await haveTurned(intoB1());
      await noneIsLost();
      // The group passes the answers to what b1 asks. Nobody may take that for a way in, and b1 must go on to be heard.
      await Promise.all([asksAnew(host('b1'), [host('a1'), host('b2')]), asksAnew(host('a1'), [host('b1')])]);
      await haveTurned(intoB1());
      await settledOn({ ...AT_FIRST, 'a1>b1': 'vxlan', 'a2>b1': 'vxlan', 'b2>b1': 'vxlan' }, hosts);
      await aws.do('ingress', { group: OWN_GROUP, peers: `${VPC_RANGE},${CONTAINERS}` });
      await haveReturned(intoB1('fabric'));
    });
  });
});

/** Waits until the host has asked these peers by bare packets from ports that it had not asked from before: what a filter remembers of the earlier ones no longer tells. */
async function asksAnew(from: LabHost, peers: readonly LabHost[]): Promise<void> {
  const before = new Map(await Promise.all(peers.map(async (to) => [to, await portsOf(from, to)] as const)));
  await eventually(
    `${from.name} asks from other ports`,
    60_000,
    async () => {
      for (const [to, known] of before) {
        const ports = await portsOf(from, to);
        if (ports.every((port) => known.includes(port))) return { missing: `${to.name} is asked as before` };
      }
      return { found: true };
    },
    never,
  );
}

/** Of probes that the interface let out, by the flows that it remembers. */
async function portsOf(from: LabHost, to: LabHost): Promise<readonly string[]> {
  const flows = await runIn('vpc', ['nft', 'list', 'set', 'bridge', 'vpc', 'udp_flows']);
  const base = ({ container }: LabHost): string => container.subnet.split('/')[0] ?? '';
  const flow = new RegExp(`"p-${from.name}" \\. ${base(from)} \\. ${base(to)} \\. (\\d+) \\. 8286`, 'g');
  return [...flows.matchAll(flow)].map(([, port = '']) => port);
}
