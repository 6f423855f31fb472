/** Somebody's own route stands where a host's belongs: it is never touched, and the pair stays on the tunnel until its owner removes it. */
import { planned } from '../aws/account.ts';
import { oneVpc } from '../one-vpc.ts';
import type { Scenario } from '../scenario.ts';
import { begin, showLeases } from '../steps/begin.ts';
import { bestPath, bestPathBut } from '../steps/best-path.ts';
import { SteadyFlows } from '../steady-flows.ts';
import { awsOf, checkTables, showTables } from '../steps/cloud-routes.ts';
import { addCalls } from '../steps/journal.ts';
import { addHosts, addPairs } from '../steps/members.ts';
import { settleOn } from '../steps/settle-on.ts';
import { awaitFinding, awaitNoFinding, quote, refusal, tell } from '../steps/told.ts';
import { QUICK } from './quick-config.ts';

const TABLE = 'table-a';
/** One of them is free: the two hosts that are there draw theirs by chance. */
const SUBNETS = ['10.42.200.0/24', '10.42.201.0/24', '10.42.202.0/24'] as const;

export const conflict: Scenario = {
  name: 'conflict',
  summary: "a route that nobody of ours made stands where a host's belongs; later its owner removes it",
  topology: oneVpc({ a: 2, b: 1 }),
  config: QUICK,
  async play(stage) {
    const { lab, screen, report, signal } = stage;
    const aws = awsOf(lab);
    const hosts = [...lab.hosts.values()];
    const [a1, a2, b1] = [lab.host('a1'), lab.host('a2'), lab.host('b1')];
    await begin(stage, [a1, a2], this.config);
    const taken: readonly string[] = [a1, a2].map(({ container }) => container.subnet);
    const kept = SUBNETS.find((subnet) => !taken.includes(subnet)) ?? SUBNETS[2];
    await a1.weftd(['lease', 'reserve', kept, b1.plan.node]);
    await aws.do('put-route', { table: TABLE, destination: kept, instance: a2.name });
    screen.line(`  ${kept} is kept for b1. Somebody's own route to it stands in ${TABLE}: to a2.`);
    const step = screen.step('b1 joins');
    b1.startDaemon();
    const { subnet } = await b1.addContainer(signal);
    report.check('b1 gets the subnet that is kept for it', subnet === kept, subnet);
    step.done(subnet);
    await showLeases(stage, [b1]);
    const flows = new SteadyFlows(lab, [['a1', 'a2']]);

    const said = await awaitFinding(b1, 'CLOUD_CONFLICT', signal);
    quote(stage, 'b1: CLOUD_CONFLICT', said);
    const [theirs, ours] = [planned.interface(a2.name), planned.interface(b1.name)];
    report.check(
      'b1 says where the route leads, where it should, and what to do',
      [theirs, ours, 'remove it'].every((word) => said.includes(word)),
      said,
    );
    const reduced = bestPathBut(lab.topology, 'vxlan', new Set(['a1>b1', 'a2>b1']));
    const { pairs } = await settleOn(
      stage,
      'subnet A sends to b1 by vxlan, all else by the best path',
      'in conflict',
      reduced,
    );
    addHosts(report, hosts);
    addPairs(report, pairs, ['fabric', 'direct', 'vxlan']);
    showTables(stage);
    const why = await refusal(a1, b1, 'fabric');
    report.check('its peers say why they do not use the fabric', why.includes(theirs), why);
    const touching = () =>
      aws.cloud.journal.entries.filter(
        ({ mutating, parameters }) =>
          mutating &&
          parameters['RouteTableId'] === planned.table(TABLE) &&
          parameters['DestinationCidrBlock'] === kept,
      );
    const { length: touched } = touching();
    report.check('no call that changes anything names the route of others', touched === 0, `${touched} calls`);

    await aws.do('remove-route', { table: TABLE, destination: kept });
    b1.daemon?.kill('SIGHUP');
    screen.line('  Its owner removes the route, and b1 is told by SIGHUP.');
    const { tookMs } = await settleOn(stage, 'b1 gets its route', 'conflict over', bestPath(lab.topology));
    await awaitNoFinding(b1, 'CLOUD_CONFLICT', signal);
    checkTables(stage, hosts, 'conflict over');
    const made = touching().map(({ who, action, outcome }) => `${who} ${action} ${outcome}`);
    report.check('b1 makes its route with one call then', made.join() === 'b1 CreateRoute ok', made.join(', '));
    const { lostPings, sentPings, losers } = await flows.stop();
    report.check('no ping is lost between the others', lostPings === 0 && sentPings > 0, losers.join(', '));
    report.add('conflict', { touched, movedMs: tookMs, lostPings, sentPings });
    addCalls(report, lab);
    tell(stage, {
      broken: `the route to b1's subnet in ${TABLE} was somebody else's, and led to a2.`,
      weft: 'never touched it, said so in status, and reached b1 by vxlan; when its owner had removed it, b1 put its own there.',
      lost: `${lostPings} of ${sentPings} pings.`,
    });
  },
};
