/** All paths by name. The record is exhaustive: a new name in the list does not compile before it has its file. */
import type { PathName } from '../core/path.ts';
import type { Datapath } from './datapath.ts';
import { direct } from './direct.ts';
import { fabric } from './fabric.ts';
import { udp } from './udp.ts';
import { vxlan } from './vxlan.ts';

const PATHS: Readonly<Record<PathName, Datapath>> = {
  direct,
  fabric,
  vxlan,
  udp,
};

export const datapathsOf = (names: readonly PathName[]): readonly Datapath[] => names.map((name) => PATHS[name]);
