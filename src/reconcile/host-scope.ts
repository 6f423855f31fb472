/** What of a host counts as ours, from who we are. */
import type { HostScope } from '../contracts/host-network.ts';
import type { HostEntry, HostFile } from '../core/host-entry.ts';
import { steeringOf } from '../core/instance.ts';
import { PATH_NAMES, type PathName } from '../core/path.ts';
import type { Subnet } from '../core/subnet.ts';
import type { Self } from '../datapath/datapath.ts';
import { devicesOf } from '../datapath/host-basics.ts';
import { datapathsOf } from '../datapath/paths.ts';

const marked = ({ numbers }: Self, path: PathName): readonly [table: number, mark: number] => {
  const { table, mark } = steeringOf(numbers, path);
  return [table, mark];
};

export function hostScope(
  self: Self,
  basics: readonly HostEntry[],
  files: readonly HostFile[],
  previousNetwork: Subnet | undefined,
): HostScope {
  const { network } = self.config.v4;
  const networks = previousNetwork === undefined ? [network] : [network, previousNetwork];
  return {
    networks,
    base: self.base,
    // Devices of every path, also of those no longer in the list: theirs have to go.
    links: devicesOf(self, datapathsOf(PATH_NAMES)),
    tables: self.numbers.tables,
    marks: new Map(PATH_NAMES.map((path) => marked(self, path))),
    rulePriorities: self.numbers.rulePriorities,
    sysctls: basics.flatMap((entry) => (entry.kind === 'sysctl' ? entry.name : [])),
    files: files.map((file) => file.path),
    accepts: networks,
  };
}
