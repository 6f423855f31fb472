/** Real daemons on instances of the emulated AWS, for one test file: probes come twice a second, and what fell has to hold for three. */
import { cloudAndOffice } from '../../src/lab/cloud-and-office.ts';
import type { AwsInLab } from '../../src/lab/aws/aws-site.ts';
import type { Lab, LabOptions } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import type { Flow } from '../../src/lab/pinger.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import type { Topology } from '../../src/lab/topology.ts';
import { DRAWN, never, startLab } from './cluster.ts';

const CONFIG = { ...DRAWN, Weft: { Probe: { Interval: '500ms', Hold: '3s' } } };

/** Asked about as often as peers with traffic are, without being a load. */
const TRAFFIC_EVERY_MS = 100;

export interface CloudLab {
  readonly lab: Lab;
  readonly aws: AwsInLab;
}

/** No host runs yet. */
export async function startCloud(
  topology: Topology = cloudAndOffice,
  options: Partial<LabOptions> = {},
): Promise<CloudLab> {
  const lab = await startLab(options, topology);
  if (lab.aws === undefined) throw new Error('this topology has no VPC');
  await lab.writeConfig(CONFIG);
  return { lab, aws: lab.aws };
}

/** These run, have a container each, and a path to each other that they stay on. */
export async function startInCloud(lab: Lab, names: readonly string[]): Promise<readonly LabHost[]> {
  const hosts = names.map((name) => lab.host(name));
  await startHosts(hosts, hosts, never);
  return hosts;
}

/** Containers of each pair ping each other, which is traffic both ways, until the lab ends. */
export function traffic(lab: Lab, hosts: readonly LabHost[]): readonly Flow[] {
  return hosts.flatMap((from, i) =>
    hosts
      .slice(i + 1)
      .map((to) =>
        lab.pinger.start({ from: from.container.name, to: to.container.address, intervalMs: TRAFFIC_EVERY_MS }),
      ),
  );
}

/** Calls that could have changed something in the account, of all hosts. */
export const mutatingCalls = ({ cloud }: AwsInLab): number =>
  Object.values(cloud.journal.counts()).reduce((sum, { mutating }) => sum + mutating, 0);
