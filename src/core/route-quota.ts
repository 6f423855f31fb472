/** Which of the wanted routes get a place where a table cannot hold them all: those that the most senders use; what stands yields to notably more of them. */

export interface RouteBid {
  readonly table: string;
  readonly destination: string;
  /** How many would use it. */
  readonly senders: number;
  readonly stands: boolean;
}

export interface Fit<T extends RouteBid> {
  /** Those of the most worth first. */
  readonly fits: readonly T[];
  readonly overflow: readonly T[];
}

/** @param room how many of these each table can hold; one that is not named has any amount */
export function fitRoutes<T extends RouteBid>(bids: readonly T[], room: ReadonlyMap<string, number>): Fit<T> {
  const left = new Map(room);
  const fits: T[] = [];
  const overflow: T[] = [];
  for (const bid of bids.toSorted(byWorth)) {
    const places = left.get(bid.table) ?? Infinity;
    if (places > 0) fits.push(bid);
    else overflow.push(bid);
    left.set(bid.table, places - 1);
  }
  return { fits, overflow };
}

/**
 * Where zones share a table a host that joins one of them makes all routes to the others worth a sender more: without a margin each change of a group's size
 * would evict hundreds that stand, for as many that do no better.
 */
const MARGIN = 1.25;
const worth = ({ senders, stands }: RouteBid): number => senders * (stands ? MARGIN : 1);

const byWorth = (a: RouteBid, b: RouteBid): number =>
  worth(b) - worth(a) ||
  b.senders - a.senders ||
  Number(b.stands) - Number(a.stands) ||
  compare(a.table, b.table) ||
  compare(a.destination, b.destination);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
