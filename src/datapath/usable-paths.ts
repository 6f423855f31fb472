/** Lists of usable paths. Thousands of peers have a few different ones between them, so each is made once and shared: a daemon keeps one for every peer. */
import type { PathName } from '../core/path.ts';

/** In the order of preference; at least one. */
export type Usable = readonly [PathName, ...PathName[]];

/** A list, and those that are longer by one. At most 64 in all, as there are four names. */
export class UsableList {
  readonly paths: Usable | undefined;
  readonly #longer = new Map<PathName, UsableList>();

  constructor(paths?: Usable) {
    this.paths = paths;
  }

  with(path: PathName): UsableList {
    let longer = this.#longer.get(path);
    if (longer === undefined) {
      longer = new UsableList(this.paths === undefined ? [path] : [...this.paths, path]);
      this.#longer.set(path, longer);
    }
    return longer;
  }
}

export const NO_PATHS = new UsableList();
