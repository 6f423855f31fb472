/** subnet.env as an entry of this host, from who we are. */
import type { HostFile } from '../core/host-entry.ts';
import { renderSubnetFile } from '../core/subnet-file.ts';
import type { Self } from '../datapath/datapath.ts';
import { containerMtu } from '../datapath/mtu.ts';
import { datapathsOf } from '../datapath/paths.ts';
import type { AgentOptions } from './agent-parts.ts';

export function subnetEnv(self: Self, { subnetFile, ipMasq }: Pick<AgentOptions, 'subnetFile' | 'ipMasq'>): HostFile {
  const { config, lease } = self;
  const mtuBytes = containerMtu(self, datapathsOf(config.paths));
  const text = renderSubnetFile({ network: config.v4.network, subnet: lease.subnet.v4, mtuBytes, ipMasq });
  return { kind: 'file', path: subnetFile, text };
}
