/** A route table is full: who has no slot in it is reached by the tunnel, until the quota is raised. */
import { eventually } from '../eventually.ts';
import type { LabHost } from '../lab-host.ts';
import { oneVpc } from '../one-vpc.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { SteadyFlows } from '../steady-flows.ts';
import { begin } from '../steps/begin.ts';
import { bestPath, bestPathBut } from '../steps/best-path.ts';
import { awsOf, checkTables, containerRoutes, showTables } from '../steps/cloud-routes.ts';
import { checkNothingForeign } from '../steps/ec2-calls.ts';
import { addCalls } from '../steps/journal.ts';
import { addHosts, addPairs } from '../steps/members.ts';
import { settleOn } from '../steps/settle-on.ts';
import { awaitFinding, awaitNoFinding, quote, refusal, tell } from '../steps/told.ts';
import { QUICK } from './quick-config.ts';

const TABLE = 'table-a';
const SLOTS = 2;

export const quotaFull: Scenario = {
  name: 'quota-full',
  summary: 'a route table has room for 2 routes, and 4 hosts want one there; later the quota is raised',
  topology: oneVpc({ a: 2, b: 4 }),
  config: QUICK,
  async play(stage) {
    const { lab, screen, report, signal } = stage;
    const aws = awsOf(lab);
    const hosts = [...lab.hosts.values()];
    const senders = hosts.filter(({ plan }) => plan.segment === 'a');
    const owners = hosts.filter(({ plan }) => plan.segment === 'b');
    await aws.do('quota', { table: TABLE, free: SLOTS });
    screen.line(`  ${TABLE}, by which subnet A sends, takes ${SLOTS} routes more and no others.`);
    screen.line();
    await begin(stage, hosts, this.config);
    const pairs = [...senders, ...owners].map(({ name }) => name);
    const flows = new SteadyFlows(lab, [
      ...owners.map(({ name }): readonly [string, string] => ['a1', name]),
      [pairs.at(-1) ?? 'b4', 'a2'],
    ]);

    const without = await leftOut(stage, owners);
    const names = without.map(({ name }) => name).join(' and ');
    const said = await Promise.all(without.map((host) => awaitFinding(host, 'ROUTE_TABLE_FULL', signal)));
    report.check(
      'whose route finds no slot says that the table is full, and what to do',
      said.length === owners.length - SLOTS && said.every((text) => /RouteLimitExceeded.*Raise the quota/.test(text)),
      said.join('\n'),
    );
    const [first] = without;
    if (first !== undefined) quote(stage, `${first.name}: ROUTE_TABLE_FULL`, said[0] ?? '');

    const directions = new Set(senders.flatMap((from) => without.map((to) => `${from.name}>${to.name}`)));
    const reduced = bestPathBut(lab.topology, 'vxlan', directions);
    const full = await settleOn(
      stage,
      `subnet A sends to ${names} by vxlan, all else by the best path`,
      'table full',
      reduced,
    );
    addHosts(report, hosts);
    addPairs(report, full.pairs, ['fabric', 'direct', 'vxlan']);
    showTables(stage);
    for (const from of senders) {
      const whys = await Promise.all(without.map((to) => refusal(from, to, 'fabric')));
      report.check(
        `${from.name} says why it does not use the fabric to ${names}`,
        whys.every((why) => why.includes('RouteLimitExceeded')),
        whys.join('\n'),
      );
    }

    await aws.do('quota', { table: TABLE });
    const raisedMs = performance.now();
    first?.daemon?.kill('SIGHUP');
    screen.line(`  The quota is raised. ${first?.name} is told by SIGHUP; nobody tells the others.`);
    await settleOn(stage, `${names} get their routes`, 'quota raised', bestPath(lab.topology));
    const movedMs = Math.round(performance.now() - raisedMs);
    await Promise.all(without.map((host) => awaitNoFinding(host, 'ROUTE_TABLE_FULL', signal)));
    checkTables(stage, hosts, 'quota raised');
    checkNothingForeign(stage);
    const { lostPings, sentPings, losers } = await flows.stop();
    report.check('no ping is lost from start to end', lostPings === 0 && sentPings > 0, losers.join(', '));
    report.add('quotaFull', {
      slots: SLOTS,
      withoutSlot: without.map(({ name }) => name),
      movedMs,
      lostPings,
      sentPings,
    });
    addCalls(report, lab);
    tell(stage, {
      broken: `${TABLE} was full: no route for ${names}.`,
      weft: `reached them by vxlan meanwhile, in that direction alone, and said so in status; once there was room it put the routes in and moved.`,
      lost: `${lostPings} of ${sentPings} pings.`,
    });
  },
};

/** Waits until the table is full; those who have no route in it. */
async function leftOut({ lab, signal }: Stage, owners: readonly LabHost[]): Promise<readonly LabHost[]> {
  return await eventually(
    `${TABLE} is full`,
    30_000,
    () => {
      const inTable = containerRoutes(awsOf(lab).cloud.state).filter(({ table }) => table === TABLE);
      const without = owners.filter(({ name }) => !inTable.some(({ to }) => to === name));
      return inTable.length >= SLOTS ? { found: without } : { missing: `${inTable.length} routes` };
    },
    signal,
  );
}
