/**
 * The store's cable is pulled. Containers go on talking; a route that somebody deletes meanwhile comes back without the store; then the store does.
 */
import { eventually } from '../eventually.ts';
import type { LabHost } from '../lab-host.ts';
import type { Stage } from '../scenario.ts';
import { SteadyFlows } from '../steady-flows.ts';
import { trafficRouteTo } from '../traffic-routes.ts';
import { checkNoLoss } from './loss.ts';

/** Of the pair whose route is deleted: how long it was out is read from its pings. */
const WATCH_EVERY_MS = 2;
const PINGS = 150;
/** A call that was under way is given up after 12 s, and only then it is noticed. */
const NOTICED_MS = 90_000;
const REPAIRED_MS = 60_000;

/** @param flows leave out the pair `victim` > `lostPeer`: its route goes, and its loss is counted for itself. */
export async function storeDown(
  stage: Stage,
  flows: readonly (readonly [string, string])[],
  victim: LabHost,
  lostPeer: LabHost,
): Promise<void> {
  const { lab, screen, report, signal } = stage;
  const step = screen.step("the store's cable is pulled");
  const steady = new SteadyFlows(lab, flows);
  const startMs = performance.now();
  await lab.setCable(lab.topology.store, 'down');
  try {
    const noticed = Promise.all(lab.running.map((host) => noticesStore(host, false, signal)));
    const repairedMs = await deleteRoute(stage, victim, lostPeer);
    step.update(`${victim.name} put its route to ${lostPeer.name} back after ${repairedMs.toFixed(1)} ms`);
    await noticed;
    await steady.more(PINGS, signal, (text) => step.update(`every agent knows: ${text}`));
    report.check('every agent stays ready without the store', await allReady(lab.running), 'see status');
    await lab.setCable(lab.topology.store, 'up');
    const seconds = Math.round((performance.now() - startMs) / 10) / 100;
    step.update('it is back');
    await Promise.all(lab.running.map((host) => noticesStore(host, true, signal)));
    const loss = await steady.stop();
    const { sentPings, lostPings } = loss;
    report.add('storeDown', { seconds, sentPings, lostPings, repairedMs });
    checkNoLoss(report, 'the store is away', loss);
    const result = `away for ${seconds.toFixed(1)} s, ${lostPings} of ${sentPings} pings lost`;
    if (lostPings === 0) step.done(result);
    else step.failed(result);
    screen.line(
      `    ${screen.paint('dim', `${victim.name}$ ip route delete ${lostPeer.container.subnet}`)}   ` +
        `back after ${screen.paint('bold', `${repairedMs.toFixed(1)} ms`)}, the store still away`,
    );
  } finally {
    await lab.setCable(lab.topology.store, 'up');
  }
}

export async function noticesStore(host: LabHost, reachable: boolean, signal: AbortSignal): Promise<void> {
  const what = reachable ? 'has the store back' : 'notices that the store is away';
  await host.await(what, ({ store }) => (store.reachable === reachable ? true : undefined), signal, NOTICED_MS);
}

export async function allReady(hosts: readonly LabHost[]): Promise<boolean> {
  const statuses = await Promise.all(hosts.map((host) => host.status()));
  return statuses.every((status) => status?.ready === true && status.state === 'held');
}

/** How long the kernel was without the route. Where another path stands by, packets go there meanwhile. */
async function deleteRoute(stage: Stage, victim: LabHost, lostPeer: LabHost): Promise<number> {
  const { lab, report, signal } = stage;
  const { subnet, address } = lostPeer.container;
  const flow = lab.pinger.start({ from: victim.container.name, to: address, intervalMs: WATCH_EVERY_MS });
  await eventually(
    `${victim.name} reaches ${lostPeer.name}`,
    REPAIRED_MS,
    async () => ((await flow.look()).answered > 0 ? { found: true } : { missing: 'no ping is answered' }),
    signal,
  );
  const route = (): Promise<string> => trafficRouteTo(victim, subnet);
  const before = await route();
  await victim.run(['ip', 'route', 'delete', subnet]);
  const deletedMs = performance.now();
  await eventually(
    `${victim.name} puts back its route to ${lostPeer.name}`,
    REPAIRED_MS,
    async () => ((await route()) === before ? { found: true } : { missing: `the route was ${before}` }),
    signal,
  );
  const tookMs = performance.now() - deletedMs;
  const back = (await flow.look()).answered;
  await eventually(
    `${victim.name} reaches ${lostPeer.name} again`,
    REPAIRED_MS,
    async () => ((await flow.look()).answered > back + 20 ? { found: true } : { missing: 'no ping is answered' }),
    signal,
  );
  await flow.stop();
  report.check('a route deleted while the store is away comes back', true, before);
  return Math.round(tookMs * 10) / 10;
}
