/** Who writes the cloud's routes: every node its own, or the reconciler all of them. Handed over by a record, under generations that only grow. */
import { isJsonObject, type JsonValue } from './json.ts';

export const ROUTE_WRITER_KEY = 'routes';

export interface RouteWriter {
  readonly mode: 'node' | 'reconciler';
  /** Rows of the ledger repeat it: who finds a greater one in a row writes that row no more. */
  readonly generation: number;
}

/** Nobody hands over so often. A row that says more is another hand's, and fences nobody. */
const MOST_GENERATIONS = 1_000_000_000;

/** The generation of a row, where it can be one; else the first. */
export const generationOf = ({ generation }: { readonly generation: number }): number =>
  generation <= MOST_GENERATIONS ? generation : 0;

/** What the record says; without one, or with one that cannot be read, the network config decides. */
export function routeWriter(record: JsonValue | undefined, configured: RouteWriter['mode']): RouteWriter {
  const fallback: RouteWriter = { mode: configured, generation: 0 };
  if (!isJsonObject(record)) return fallback;
  const { mode, generation } = record;
  if (
    (mode !== 'node' && mode !== 'reconciler') ||
    typeof generation !== 'number' ||
    !Number.isSafeInteger(generation) ||
    generation < 0
  )
    return fallback;
  return { mode, generation };
}
