/** By the list alone, as if nobody probed. */
import type { Chosen } from '../../src/core/path-choice.ts';
import type { PathName } from '../../src/core/path.ts';
import type { Choose } from '../../src/datapath/plan.ts';

const first = (path: PathName): Chosen => ({ path, why: 'first of the list', trouble: false, refused: [] });
const FIRST: Readonly<Record<PathName, Chosen>> = {
  direct: first('direct'),
  fabric: first('fabric'),
  vxlan: first('vxlan'),
  udp: first('udp'),
};

export const chooseFirst: Choose = (_peer, [path]) => FIRST[path];
