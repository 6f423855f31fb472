/** The first hosts start, lease their subnets and find each other. */
import type { JsonObject } from '../../core/json.ts';
import type { LabHost } from '../lab-host.ts';
import type { Stage } from '../scenario.ts';
import { startHosts } from '../start-hosts.ts';

export async function begin(stage: Stage, hosts: readonly LabHost[], config: JsonObject): Promise<void> {
  const { lab, screen, report, signal } = stage;
  const writing = screen.step('the network config is written');
  await lab.writeConfig(config);
  writing.done(`in ${lab.store.title}`);
  screen.line(`    ${screen.paint('dim', JSON.stringify(config))}`);

  const start = screen.step(`${hosts.map(({ name }) => name).join(', ')} start weftd`);
  await startHosts(hosts, hosts, signal);
  signal.throwIfAborted();
  start.done('each has a lease, and a path to the others');
  await showLeases(stage, hosts);
  const subnets = hosts.map(({ container }) => container.subnet);
  report.check('every host has a subnet of its own', new Set(subnets).size === hosts.length, subnets.join(', '));
}

export async function showLeases(stage: Stage, hosts: readonly LabHost[]): Promise<void> {
  const { screen } = stage;
  const { paint } = screen;
  for (const host of hosts) {
    const status = await host.status();
    const { subnet, address } = host.container;
    const epoch = paint('dim', `epoch ${status?.epoch ?? '?'}`);
    screen.line(`    ${paint('bold', host.name)}  lease ${paint('cyan', subnet)}  container ${address}  ${epoch}`);
  }
}

/** The kernel's own words: the peer routes of one host. */
export async function showRoutes(stage: Stage, host: LabHost): Promise<void> {
  const { screen } = stage;
  const routes = await host.run(['ip', 'route', 'show', 'proto', '87']);
  screen.line(`    ${screen.paint('dim', `${host.name}$ ip route show proto 87`)}`);
  for (const route of routes.trim().split('\n')) screen.line(`    ${route.trim()}`);
}
