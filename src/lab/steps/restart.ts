/** An agent is killed with -9 and started again: the data plane is the kernel's, so nobody notices. */
import { difference, kernelState } from '../kernel-state.ts';
import type { LabHost } from '../lab-host.ts';
import type { Stage } from '../scenario.ts';
import { SteadyFlows } from '../steady-flows.ts';
import { checkNoLoss } from './loss.ts';

/** Pings of each flow before the kill, while there is no agent, and after its return. */
const PINGS = 150;

export async function restart(
  stage: Stage,
  host: LabHost,
  flows: readonly (readonly [string, string])[],
): Promise<void> {
  const { lab, screen, report, signal } = stage;
  const step = screen.step(`${host.name}'s agent is killed with -9 and starts again`);
  const before = await stateOf(host);
  const steady = new SteadyFlows(lab, flows);
  const show = (when: string) => (text: string) => step.update(`${when}: ${text}`);
  await steady.more(PINGS, signal, show('before'));
  await host.killDaemon();
  await steady.more(PINGS, signal, show('no agent'));
  host.startDaemon();
  await host.await('is ready again', ({ ready }) => (ready ? true : undefined), signal);
  await steady.more(PINGS, signal, show('back'));
  const loss = await steady.stop();
  const after = await stateOf(host);
  const { sentPings, lostPings } = loss;
  report.add('restart', { sentPings, lostPings });
  checkNoLoss(report, 'an agent is killed and restarted', loss);
  const changes = difference(before, after);
  const same = report.check('a restart changes neither lease nor kernel', changes.length === 0, changes.join('\n'));
  const result = `${lostPings} of ${sentPings} pings lost, ${same ? 'lease and kernel as before' : 'but something changed'}`;
  if (lostPings === 0 && same) step.done(result);
  else step.failed(result);
}

/** What must outlive the agent. */
async function stateOf(host: LabHost): Promise<readonly string[]> {
  const status = await host.status();
  return [`lease ${status?.subnet} epoch ${status?.epoch}`, ...(await kernelState(host))];
}
