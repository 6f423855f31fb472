/** What of a host counts as ours, from who we are. */
import type { HostScope } from '../contracts/host-network.ts';
import type { HostEntry, HostFile } from '../core/host-entry.ts';
import { standbyMetric } from '../core/instance.ts';
import { PATH_NAMES } from '../core/path.ts';
import type { Subnet } from '../core/subnet.ts';
import type { Self } from '../datapath/datapath.ts';
import { devicesOf } from '../datapath/host-basics.ts';
import { datapathsOf } from '../datapath/paths.ts';

export function hostScope(
  self: Self,
  basics: readonly HostEntry[],
  files: readonly HostFile[],
  previousNetworks: readonly Subnet[],
): HostScope {
  const { network } = self.config.v4;
  const networks = [network, ...previousNetworks];
  // Of every path, also of those no longer in the list: theirs have to go.
  const paths = datapathsOf(PATH_NAMES);
  return {
    networks,
    base: self.base,
    links: devicesOf(self, paths),
    standby: new Map(paths.map((path) => [standbyMetric(path.name), path.device(self) ?? self.uplink.link])),
    sysctls: basics.flatMap((entry) => (entry.kind === 'sysctl' ? entry.name : [])),
    files: files.map((file) => file.path),
    accepts: networks,
  };
}
