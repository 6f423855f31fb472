/** A host leaves in order: it says so, its routes vanish everywhere, its subnet is free. */
import type { LabHost } from '../lab-host.ts';
import type { Stage } from '../scenario.ts';
import { SteadyFlows } from '../steady-flows.ts';
import { forgets } from './forget.ts';
import { checkNoLoss } from './loss.ts';

export async function drain(
  stage: Stage,
  leaver: LabHost,
  staying: readonly LabHost[],
  flows: readonly (readonly [string, string])[],
): Promise<void> {
  const { lab, screen, report, signal } = stage;
  const step = screen.step(`${leaver.name} drains`);
  const { subnet } = leaver.container;
  const steady = new SteadyFlows(lab, flows);
  await leaver.weftd(['drain']);
  step.update('its daemon ends');
  const ending = await leaver.daemon?.ended;
  report.check('a drained daemon ends with exit code 0', ending === 'exit code 0', String(ending));
  step.update('the others forget it');
  await Promise.all(staying.map((host) => forgets(host, subnet, signal)));
  const leases = await staying[0]?.weftd(['lease', 'list']);
  const freed = leases?.split('\n').find((line) => line.includes(subnet));
  report.check('the subnet of a drained host is free', freed === undefined, freed ?? '');
  const loss = await steady.stop();
  checkNoLoss(report, 'a host drains', loss);
  step.done(`${subnet} is free, no route to it is left`);
}
