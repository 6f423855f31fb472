/** All paths by name. The record is exhaustive: a new name in the list does not compile before it has its file. */
import type { PathName } from '../core/path.ts';
import type { Datapath } from './datapath.ts';
import { unusable } from './datapath.ts';
import { direct } from './direct.ts';
import { fabric } from './fabric.ts';
import { vxlan } from './vxlan.ts';

/** A path that configs may name and this version does not carry: refused for every peer, with that reason. */
const notCarried = (name: PathName): Datapath => {
  const verdict = unusable(`this version of weftd carries no ${name} path`);
  return {
    name,
    overheadBytes: 0,
    judge: () => verdict,
    device: () => undefined,
    receive: () => [],
    advert: () => ({}),
    send: () => [],
    leads: () => false,
    mark: () => undefined,
  };
};

const PATHS: Readonly<Record<PathName, Datapath>> = {
  direct,
  fabric,
  vxlan,
  udp: notCarried('udp'),
};

export const datapathsOf = (names: readonly PathName[]): readonly Datapath[] => names.map((name) => PATHS[name]);
