/** What the daemon is told, from what a person said. */
import path from 'node:path';
import type { AgentOptions } from '../agent/agent-parts.ts';
import type { Options } from '../options.ts';
import { CONTROL_SOCKET } from './find-daemon.ts';
import { firewallOptions, uplinkChoice } from './this-host.ts';

/** What is found out, and not said. */
export interface Found extends Pick<AgentOptions, 'storeKind' | 'drainWaitMs' | 'subnetFromFile' | 'version'> {
  /** This instance's own. */
  readonly stateFolder: string;
}

export function agentOptions(options: Options, { stateFolder, ...found }: Found): AgentOptions {
  const { healthListen, healthzIp, healthzPort, subnetFile, allowRenumber } = options;
  return {
    ...found,
    uplink: uplinkChoice(options),
    subnetFile,
    ...firewallOptions(options),
    firewallResyncMs: options.iptablesResync * 1000,
    health: healthListen === 'off' ? undefined : healthListen,
    flannelHealth: healthzPort === 0 ? undefined : { host: healthzIp, port: healthzPort },
    renewMarginMs: options.subnetLeaseRenewMargin * 60_000,
    controlSocket: path.join(stateFolder, CONTROL_SOCKET),
    allowRenumber,
    allowExtension: options.allowExtension ?? found.storeKind === 'etcd',
    resyncMs: options.resync,
  };
}
