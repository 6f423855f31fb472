/** This host as `run`, `plan` and `cleanup` take it from the options. */
import type { AgentOptions } from '../agent/agent-parts.ts';
import type { UplinkChoice } from '../contracts/host-network.ts';
import type { Log } from '../contracts/log.ts';
import type { Subnet } from '../core/subnet.ts';
import { previousSubnet, type ParsedSubnetFile } from '../core/subnet-file.ts';
import type { StateDirectory } from '../host/state-directory.ts';
import type { Options } from '../options.ts';

export const MACHINE_ID = '/etc/machine-id';

export function uplinkChoice({ iface, ifaceRegex, ifaceCanReach, publicIp }: Options): UplinkChoice {
  return {
    interfaces: iface,
    patterns: ifaceRegex,
    ...(ifaceCanReach === undefined ? {} : { canReach: ifaceCanReach }),
    ...(publicIp === undefined ? {} : { publicIP: publicIp }),
  };
}

export const firewallOptions = ({
  ipMasq,
  ipMasqFullyRandomDisable,
  iptablesForwardRules,
}: Options): Pick<AgentOptions, 'ipMasq' | 'ipMasqFullyRandom' | 'acceptForwarded'> => ({
  ipMasq,
  ipMasqFullyRandom: !ipMasqFullyRandomDisable,
  acceptForwarded: iptablesForwardRules,
});

/** The subnet that subnet.env names, as a wish for the claim, unless the file is another network's or another daemon's. */
export function subnetIn(
  file: ParsedSubnetFile | undefined,
  path: string,
  { remembered, claims }: StateDirectory,
  log: Log,
): Subnet | undefined {
  if (file === undefined || claims.others().has(`file ${path}`)) return undefined;
  // Before the first lease no Network is known, and the claim itself judges.
  if (remembered.network === undefined) return file.subnet;
  const { subnet, findings } = previousSubnet(file, remembered.network);
  for (const { code, message } of findings) log.warn({ code, why: message }, 'subnet file is passed over');
  return subnet;
}
