/** Cloud routes carry containers at the speed of the VPC; when they die, pairs are on a tunnel within seconds, and come back by themselves. */
import { cloudAndOffice } from '../cloud-and-office.ts';
import type { Scenario } from '../scenario.ts';
import type { Topology } from '../topology.ts';
import { begin, showRoutes } from '../steps/begin.ts';
import { awaitPaths, bestPath, bestPathBut } from '../steps/best-path.ts';
import { checkTables, showTables } from '../steps/cloud-routes.ts';
import { callsOfAll, checkJoining, checkNothingForeign } from '../steps/ec2-calls.ts';
import { routesDie, routesMend } from '../steps/failover.ts';
import { join } from '../steps/join.ts';
import { matrixStep } from '../steps/matrix-step.ts';
import { addHosts, addPairs } from '../steps/members.ts';
import { restart } from '../steps/restart.ts';
import { storeDown } from '../steps/store-down.ts';

/** One of each path, and the fabric both ways. */
const FLOWS = [
  ['a1', 'a2'],
  ['a1', 'b1'],
  ['b1', 'a2'],
  ['a1', 'o1'],
] as const;

/** The others', while a2 joins. */
const JOIN_FLOWS = [
  ['a1', 'b1'],
  ['b1', 'a1'],
  ['a1', 'o1'],
] as const;

/** None of them needs a route to b1, in either direction. */
const BYSTANDERS = [
  ['a1', 'a2'],
  ['a2', 'o1'],
  ['o1', 'b1'],
] as const;

/** Around the deleted route from a2 to b1, whose loss is counted for itself. */
const STORE_FLOWS = [
  ['a1', 'a2'],
  ['a1', 'b1'],
  ['b1', 'a1'],
  ['a1', 'o1'],
] as const;

const LEGEND = "fabric: by the cloud's route tables   direct: within one subnet   vxlan: a tunnel";

const topology: Topology = {
  ...cloudAndOffice,
  hosts: cloudAndOffice.hosts.map((host) => (host.name === 'a2' ? { ...host, joinsLater: true } : host)),
};

export const blackhole: Scenario = {
  name: 'blackhole',
  summary: 'in an AWS VPC with an office beside it, the cloud routes to one host die, and are repaired',
  topology,
  config: { Network: '10.42.0.0/16', Weft: { Probe: { Hold: '8s' } } },
  async play(stage) {
    const { lab, screen, report } = stage;
    const hosts = [...lab.hosts.values()];
    const [a1, a2, b1] = [lab.host('a1'), lab.host('a2'), lab.host('b1')];
    report.add('store', lab.store.kind);

    const first = hosts.filter((host) => host !== a2);
    await begin(stage, first, this.config);
    const step = screen.step('each pair finds its best path');
    await awaitPaths(stage, first, bestPath(lab.topology));
    step.done('a tunnel at first; a better path once probes have proven it');
    checkTables(stage, first, 'at first');
    await join(stage, a2, first, JOIN_FLOWS);
    checkJoining(stage, a2);
    checkTables(stage, hosts, 'with all hosts');
    showTables(stage);
    await showRoutes(stage, a1);
    const pairs = await matrixStep(stage, hosts, 'by the best path');
    screen.line(`  ${screen.paint('dim', LEGEND)}`);
    addHosts(report, hosts);
    addPairs(report, pairs, ['fabric', 'direct', 'vxlan']);
    const joined = callsOfAll(lab);

    report.add('restart', { ...(await restart(stage, a1, FLOWS, ', on the fabric')) });

    const hole = { victim: b1, senders: [a1, a2], bystanders: BYSTANDERS };
    const fall = await routesDie(stage, hole);
    const fallen = bestPathBut(lab.topology, 'vxlan', new Set(['a1>b1', 'a2>b1']));
    await matrixStep(stage, hosts, 'with dead routes', fallen);
    report.add('restartFallenBack', { ...(await restart(stage, a2, FLOWS, ', fallen back')) });
    const returnedMs = await routesMend(stage, hole);
    report.add('failover', { ...fall, returnedMs });

    await storeDown(stage, STORE_FLOWS, a2, b1);
    await matrixStep(stage, hosts, 'after all that');
    checkTables(stage, hosts, 'after all that');
    const calls = callsOfAll(lab);
    report.check(
      'after joining no agent changes anything in the cloud',
      Object.entries(calls).every(([name, { mutating }]) => mutating === joined[name]?.mutating),
      JSON.stringify(calls),
    );
    checkNothingForeign(stage);
    report.add('ec2Calls', Object.fromEntries(Object.entries(calls).map(([name, count]) => [name, { ...count }])));
  },
};
