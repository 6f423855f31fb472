/** An agent is killed with -9 and started again: the data plane is the kernel's, so nobody notices. */
import { isInstance } from '../aws/aws-site.ts';
import { eventually } from '../eventually.ts';
import { difference, kernelState } from '../kernel-state.ts';
import type { LabHost } from '../lab-host.ts';
import type { Stage } from '../scenario.ts';
import { SteadyFlows } from '../steady-flows.ts';
import { callsOf } from './ec2-calls.ts';
import { checkNoLoss } from './loss.ts';

/** Pings of each flow before the kill, while there is no agent, and after its return. */
const PINGS = 150;
const LOOKS_AT_CLOUD_MS = 60_000;

/** Members of the JSON report. */
export interface RestartResult {
  readonly sentPings: number;
  readonly lostPings: number;
  /** Of the agent since its start; 0 where there is no cloud. */
  readonly ec2Calls: number;
  readonly mutatingEc2Calls: number;
}

/** @param where ends the titles: `..., on the fabric`. */
export async function restart(
  stage: Stage,
  host: LabHost,
  flows: readonly (readonly [string, string])[],
  where = '',
): Promise<RestartResult> {
  const { lab, screen, report, signal } = stage;
  const step = screen.step(`${host.name}'s agent is killed with -9 and starts again${where}`);
  const before = await stateOf(host);
  const called = callsOf(lab, host);
  const steady = new SteadyFlows(lab, flows);
  const show = (when: string) => (text: string) => step.update(`${when}: ${text}`);
  await steady.more(PINGS, signal, show('before'));
  await host.killDaemon();
  await steady.more(PINGS, signal, show('no agent'));
  host.startDaemon();
  await host.await('is ready again', ({ ready }) => (ready ? true : undefined), signal);
  if (isInstance(lab.topology, host.plan)) await looksAtCloud(stage, host, called.total);
  await steady.more(PINGS, signal, show('back'));
  const loss = await steady.stop();
  const after = await stateOf(host);
  const { sentPings, lostPings } = loss;
  checkNoLoss(report, `an agent is killed and restarted${where}`, loss);
  const changes = difference(before, after);
  const same = report.check(
    `a restart changes neither lease nor kernel${where}`,
    changes.length === 0,
    changes.join('\n'),
  );
  const now = callsOf(lab, host);
  const mutating = now.mutating - called.mutating;
  report.check(`a restart changes nothing in the cloud${where}`, mutating === 0, `${mutating} mutating EC2 calls`);
  const ec2Calls = now.total - called.total;
  const calls = now.total === 0 ? '' : `; ${ec2Calls} EC2 calls, ${mutating} of them to change something`;
  const kept = same ? 'lease and kernel as before' : 'but something changed';
  const result = `${lostPings} of ${sentPings} pings lost, ${kept}${calls}`;
  if (lostPings === 0 && same && mutating === 0) step.done(result);
  else step.failed(result);
  return { sentPings, lostPings, ec2Calls, mutatingEc2Calls: mutating };
}

async function looksAtCloud({ lab, signal }: Stage, host: LabHost, calledBefore: number): Promise<void> {
  await eventually(
    `${host.name} looks at the cloud`,
    LOOKS_AT_CLOUD_MS,
    () => (callsOf(lab, host).total > calledBefore ? { found: true } : { missing: 'it has called nobody' }),
    signal,
  );
}

/** What must outlive the agent. */
async function stateOf(host: LabHost): Promise<readonly string[]> {
  const status = await host.status();
  return [`lease ${status?.subnet} epoch ${status?.epoch}`, ...(await kernelState(host))];
}
