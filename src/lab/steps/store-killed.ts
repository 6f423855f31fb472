/** The store is killed with -9, and started again after a while with the data that it had. */
import { eventually } from '../eventually.ts';
import { difference, kernelState } from '../kernel-state.ts';
import type { LabHost } from '../lab-host.ts';
import type { Stage } from '../scenario.ts';
import { INTERVAL_MS, SteadyFlows } from '../steady-flows.ts';
import { checkNoLoss } from './loss.ts';
import { allReady, noticesStore } from './store-down.ts';

const RENEWALS = 'weft_lease_renewals_total';
/** It was due meanwhile, and is tried again with pauses. */
const RENEWED_WITHIN_MS = 60_000;

/** @param outageMs counted in pings: each flow sends this long while there is no store. */
export async function storeKilled(
  stage: Stage,
  flows: readonly (readonly [string, string])[],
  outageMs: number,
): Promise<void> {
  const { lab, screen, report, signal } = stage;
  const step = screen.step('the store is killed with -9');
  const hosts = lab.running;
  const before = await stateOf(hosts);
  const steady = new SteadyFlows(lab, flows);
  const startMs = performance.now();
  await lab.store.kill();
  await Promise.all(hosts.map((host) => noticesStore(host, false, signal)));
  await steady.more(outageMs / INTERVAL_MS, signal, (text) => step.update(`every agent knows: ${text}`));
  report.check('every agent stays ready while there is no store', await allReady(hosts), 'see status');
  const made = await Promise.all(hosts.map((host) => host.metric(RENEWALS)));
  await lab.store.startAgain(signal);
  const againMs = performance.now();
  step.update('it runs again');
  await Promise.all(hosts.map((host) => noticesStore(host, true, signal)));
  const backMs = Math.round(performance.now() - againMs);
  step.update('every agent has it back; leases are renewed');
  await Promise.all(hosts.map((host, index) => renewsAgain(host, made[index] ?? 0, signal)));
  const loss = await steady.stop();
  const { sentPings, lostPings } = loss;
  checkNoLoss(report, 'there is no store', loss);
  report.check('every agent is ready when the store is back', await allReady(hosts), 'see status');
  const changes = difference(before, await stateOf(hosts));
  const same = report.check(
    'no lease changes hands, and nothing in any kernel, for a store that is killed',
    changes.length === 0,
    changes.join('\n'),
  );
  const seconds = Math.round((againMs - startMs) / 10) / 100;
  report.add('storeKilled', { seconds, sentPings, lostPings, backMs });
  const kept = same ? 'leases and kernels as before' : 'but something changed';
  const result = `away for ${seconds.toFixed(1)} s, ${lostPings} of ${sentPings} pings lost, ${kept}`;
  if (lostPings === 0 && same) step.done(result);
  else step.failed(result);
  screen.line(`    ${screen.paint('dim', `every agent had it back ${(backMs / 1000).toFixed(1)} s after it served`)}`);
}

/** @param made how often it had before */
async function renewsAgain(host: LabHost, made: number, signal: AbortSignal): Promise<void> {
  await eventually(
    `${host.name} renews its lease`,
    RENEWED_WITHIN_MS,
    async () => ((await host.metric(RENEWALS)) > made ? { found: true } : { missing: 'it has not' }),
    signal,
  );
}

/** What each host says of itself, what the store says of all, and the kernels. */
async function stateOf(hosts: readonly LabHost[]): Promise<readonly string[]> {
  const each = hosts.map(async (host) => {
    const status = await host.status();
    const kernel = await kernelState(host);
    return [`lease ${status?.subnet} epoch ${status?.epoch}`, ...kernel].map((line) => `${host.name}: ${line}`);
  });
  const leases = (await hosts[0]?.weftd(['lease', 'list'])) ?? '';
  return [...(await Promise.all(each)).flat(), ...leases.trim().split('\n')];
}
