/** Paths that this host cannot send by, since what they leave by could not be made: no module for it, a name or a port that is another's. */
import { isDevice } from '../core/device.ts';
import { hostEntryKey, type HostEntry } from '../core/host-entry.ts';
import type { PathName } from '../core/path.ts';
import { unusable, type Datapath, type Receiver } from '../datapath/datapath.ts';
import type { FailedChange } from './pass-report.ts';

/** By path: why. Where something of it stands, and could only not be changed, packets go on leaving by that. */
export type BrokenPaths = ReadonlyMap<PathName, string>;

/** What a path leaves by, in the order it is made. */
const partsOf = (path: Datapath, self: Receiver): HostEntry[] =>
  path.receive(self).filter((entry) => isDevice(entry) || entry.kind === 'socket');

export function brokenPaths(self: Receiver, paths: readonly Datapath[], failed: readonly FailedChange[]): BrokenPaths {
  const missing = new Map<string, string>();
  for (const { change, error } of failed)
    if (change.op === 'put' && change.was === undefined) missing.set(hostEntryKey(change.want), error.message);
  const broken = new Map<PathName, string>();
  if (missing.size === 0) return broken;
  for (const path of paths) {
    const [why] = partsOf(path, self).flatMap((entry) => missing.get(hostEntryKey(entry)) ?? []);
    if (why !== undefined) broken.set(path.name, why);
  }
  return broken;
}

/** Does a failure say of a broken path what was known of it? Passes for its sake alone would be made for ever. */
export function knownFailures(
  self: Receiver,
  paths: readonly Datapath[],
  broken: BrokenPaths,
): (failure: FailedChange) => boolean {
  const known = new Set(
    paths
      .filter(({ name }) => broken.has(name))
      .flatMap((path) => partsOf(path, self).map((entry) => `${hostEntryKey(entry)}: ${broken.get(path.name)}`)),
  );
  return ({ change, error }) => change.op === 'put' && known.has(`${hostEntryKey(change.want)}: ${error.message}`);
}

export const sameBroken = (a: BrokenPaths, b: BrokenPaths): boolean =>
  a.size === b.size && [...a.keys()].every((path) => b.has(path));

/** The same paths, of which those that are broken take no peer. What they need is wanted all the same, and tried again in every pass. */
export function refusing(paths: readonly Datapath[], broken: BrokenPaths): readonly Datapath[] {
  if (broken.size === 0) return paths;
  return paths.map((path) => {
    const why = broken.get(path.name);
    if (why === undefined) return path;
    const verdict = unusable(`this host's own end of it could not be made: ${why}`);
    return { ...path, judge: () => verdict };
  });
}
