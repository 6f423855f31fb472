/** The difference between what stands and what is wanted, as changes in the order in which they are safe. */

export type Change<T> =
  | { readonly op: 'put'; readonly want: T; readonly was?: T }
  | { readonly op: 'remove'; readonly was: T };

export interface Comparison<T> {
  key(value: T): string;
  same(a: T, b: T): boolean;
  /** Puts go by rising order, removals by falling. */
  order(value: T): number;
}

/** What stands there is wanted, or something else is wanted in its place. */
const PLANNED = Symbol('planned');

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
  // One map for both, and nothing ever deleted from it: at thousands of peers that is most of what a difference costs.
  const places = new Map<string, T | typeof PLANNED>();
  for (const was of actual) places.set(comparison.key(was), was);
  const puts: { readonly op: 'put'; readonly want: T; readonly was?: T }[] = [];
  for (const want of wanted) {
    const key = comparison.key(want);
    const standing = places.get(key);
    if (standing === PLANNED) continue;
    places.set(key, PLANNED);
    if (standing === undefined) puts.push({ op: 'put', want });
    else if (!comparison.same(standing, want)) puts.push({ op: 'put', want, was: standing });
  }
  const removes: { readonly op: 'remove'; readonly was: T }[] = [];
  for (const was of places.values()) if (was !== PLANNED) removes.push({ op: 'remove', was });
  // Array sort is stable, so entries of one order keep the order in which they were planned.
  puts.sort((a, b) => comparison.order(a.want) - comparison.order(b.want));
  removes.sort((a, b) => comparison.order(b.was) - comparison.order(a.was));
  return [...puts, ...removes];
}
