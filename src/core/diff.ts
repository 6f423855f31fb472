/** The difference between what stands and what is wanted, as changes in the order in which they are safe. */

export type Change<T> =
  | { readonly op: 'put'; readonly want: T; readonly was?: T }
  | { readonly op: 'remove'; readonly was: T };

/** Two values of one order, place and name are two states of one thing. Three parts, since to join them into one text is what a difference of thousands would take longest for. */
export interface Comparison<T> {
  /** From 0. Puts go by rising order, removals by falling. */
  order(value: T): number;
  /** What many values have in common. */
  place(value: T): string | number;
  name(value: T): string;
  same(a: T, b: T): boolean;
}

/** What stands there is wanted, or something else is wanted in its place. */
const PLANNED = Symbol('planned');

type Shelf<T> = Map<string, T | typeof PLANNED>;

/** By order, then by place, then by name. Nothing is ever deleted: that would cost more than all else. */
class Shelves<T> {
  readonly #comparison: Comparison<T>;
  readonly #orders: Map<string | number, Shelf<T>>[] = [];

  constructor(comparison: Comparison<T>) {
    this.#comparison = comparison;
  }

  of(value: T): Shelf<T> {
    const order = this.#comparison.order(value);
    const place = this.#comparison.place(value);
    const places = (this.#orders[order] ??= new Map());
    let shelf = places.get(place);
    if (shelf === undefined) places.set(place, (shelf = new Map()));
    return shelf;
  }

  unplanned(): T[] {
    const left: T[] = [];
    const add = (was: T | typeof PLANNED): void => {
      if (was !== PLANNED) left.push(was);
    };
    for (const places of this.#orders) places?.forEach((shelf) => shelf.forEach(add));
    return left;
  }
}

/**
 * Puts before removes, puts in order, removes in reverse order. What stands as wanted is left alone, and so a second
 * difference, after the first was applied, is empty. Of several wanted values of one key the first counts: two peers that claim one MAC
 * (a cloned image) must not take the entry from each other in every pass.
 */
export function diff<T extends object>(
  actual: readonly T[],
  wanted: readonly T[],
  comparison: Comparison<T>,
): Change<T>[] {
  const shelves = new Shelves(comparison);
  for (const was of actual) shelves.of(was).set(comparison.name(was), was);
  const puts: { readonly op: 'put'; readonly want: T; readonly was?: T }[] = [];
  for (const want of wanted) {
    const shelf = shelves.of(want);
    const name = comparison.name(want);
    const standing = shelf.get(name);
    if (standing === PLANNED) continue;
    shelf.set(name, PLANNED);
    if (standing === undefined) puts.push({ op: 'put', want });
    else if (!comparison.same(standing, want)) puts.push({ op: 'put', want, was: standing });
  }
  const removes = shelves.unplanned().map((was) => ({ op: 'remove', was }) as const);
  // Array sort is stable, so entries of one order keep the order in which they were planned.
  puts.sort((a, b) => comparison.order(a.want) - comparison.order(b.want));
  removes.sort((a, b) => comparison.order(b.was) - comparison.order(a.was));
  return [...puts, ...removes];
}
