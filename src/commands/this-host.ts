/** This host as `run`, `plan` and `cleanup` take it from the options. */
import type { UplinkChoice } from '../contracts/host-network.ts';
import { WeftError } from '../core/errors.ts';
import type { Subnet } from '../core/subnet.ts';
import type { ParsedSubnetFile } from '../core/subnet-file.ts';
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

/** @throws WeftError UNSUPPORTED */
export function refuseCloud({ cloud }: Options): void {
  if (cloud === 'none') return;
  throw new WeftError('UNSUPPORTED', `--cloud ${cloud} is not carried by this version`, {
    hint: 'Leave it out: hosts on one layer 2 reach each other directly, all others by vxlan.',
  });
}

/** The subnet that the file names, unless the file is known to be another network's. */
export function subnetIn(file: ParsedSubnetFile | undefined, network: Subnet | undefined): Subnet | undefined {
  const foreign = file?.network !== undefined && network !== undefined && file.network !== network;
  return foreign ? undefined : file?.subnet;
}
