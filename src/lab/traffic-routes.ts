/** Which way a host's kernel sends, by its routes. Those with a metric only stand by: probes go by them. */
import type { LabHost } from './lab-host.ts';
import { linesOf } from './kernel-state.ts';

/** Our routes that traffic takes. */
export async function trafficRoutes(host: LabHost): Promise<readonly string[]> {
  const lines = linesOf(await host.run(['ip', '-4', 'route', 'show', 'proto', '87']));
  return lines.filter((line) => !line.includes(' metric ') && !line.startsWith('unreachable '));
}

/** The one to a subnet; empty when there is none. */
export async function trafficRouteTo(host: LabHost, subnet: string): Promise<string> {
  const routes = await trafficRoutes(host);
  return routes.find((line) => line.startsWith(`${subnet} `)) ?? '';
}
