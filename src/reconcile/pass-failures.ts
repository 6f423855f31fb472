/** What failed in a pass: causes, without what could only fail with them. */
import type { ChangeOutcome } from '../contracts/host-network.ts';
import { isDevice } from '../core/device.ts';
import { hostEntryKey, linkUnder } from '../core/host-entry.ts';
import type { PathName } from '../core/path.ts';
import type { Datapath, Self } from '../datapath/datapath.ts';
import { receiveSide } from '../datapath/host-basics.ts';
import type { FailedChange } from './pass-report.ts';

/** Where a device could not be made, that is told, and not of each address, setting and route on it that it is missing. */
export function failuresOf(outcomes: readonly ChangeOutcome[]): FailedChange[] {
  const failed = outcomes.flatMap(({ change, error }) => (error === undefined ? [] : [{ change, error }]));
  const missing = new Set(
    failed.flatMap(({ change }) =>
      change.op === 'put' && change.was === undefined && isDevice(change.want) ? [change.want.name] : [],
    ),
  );
  if (missing.size === 0) return failed;
  return failed.filter(({ change }) => change.op === 'remove' || !missing.has(linkUnder(change.want) ?? ''));
}

/** A path receives when none of what it needs for that has failed. */
export function receivingPaths(self: Self, paths: readonly Datapath[], failed: readonly FailedChange[]): PathName[] {
  const broken = new Set(failed.flatMap(({ change }) => (change.op === 'put' ? [hostEntryKey(change.want)] : [])));
  return paths
    .filter((path) => !receiveSide(self, self.base, path).some((entry) => broken.has(hostEntryKey(entry))))
    .map((path) => path.name);
}
