/**
 * How long a route that ought to go waits. Runs may lie apart, their clocks may be wrong, the store may have lost its data: what time has to prove is
 * counted in the runs' own age, and a crowd of removals needs two runs that agree, by the clock or by a person's word.
 */
import { printDuration } from './duration.ts';

export type RemovalCause =
  /** The cloud says so: nothing can arrive there. */
  | 'gone'
  /** Told; senders have been told too. */
  | 'leaving'
  /** Nobody has the subnet, and the machine lives. */
  | 'lease-gone'
  /** Its owner lives, and the route is wanted no more or its lease is not believed. */
  | 'unwanted'
  /** It is the row alone that goes: its table is not among those that are looked at. */
  | 'table-gone';

const MINUTE_MS = 60_000;
/** As long as a freed subnet goes to nobody else: until then its owner may come back, and a call that was signed before may arrive (CLOUD.md 1.4). */
const QUARANTINE_MS = 15 * MINUTE_MS;
const HOLD_MS = 5 * MINUTE_MS;
/** The table may be of a VPC that another reconciler keeps: one that runs has taken the route away long before, and a row that is lost makes it nobody's. */
const ELSEWHERE_MS = 24 * 60 * MINUTE_MS;

const DELAY_MS: Readonly<Record<RemovalCause, number>> = {
  gone: 0,
  leaving: 0,
  'lease-gone': QUARANTINE_MS,
  unwanted: HOLD_MS,
  'table-gone': ELSEWHERE_MS,
};

/** Fewer removals than this are everyday life. */
const PLAUSIBLE = 10;

/** @param going those that nobody was told of; what machines leave behind that are known to leave is no mistake */
export const isImplausible = (going: number, standing: number): boolean => going > PLAUSIBLE && going * 2 > standing;

export interface RemovalWait {
  readonly cause: RemovalCause;
  /** For how long it has been due to go, in the runs' age. */
  readonly forMs: number;
  /** How many runs that were due have found so, this one included. */
  readonly dueRuns: number;
  readonly isDue: boolean;
  /** Undefined: nothing looks like a mistake. */
  readonly crowd: { readonly going: number; readonly standing: number } | undefined;
}

/** `waiting`: for time to pass; `held`: until it has proved to be no mistake. */
export interface RemovalHold {
  readonly kind: 'waiting' | 'held';
  readonly why: string;
}

/** Why it is not removed in this run; undefined: it is. */
export function removalHold({ cause, forMs, dueRuns, isDue, crowd }: RemovalWait): RemovalHold | undefined {
  const leftMs = DELAY_MS[cause] - forMs;
  if (leftMs > 0)
    return { kind: 'waiting', why: `goes in ${printDuration(Math.ceil(leftMs / 1000) * 1000)} if nothing changes` };
  if (crowd === undefined || (isDue && dueRuns >= 2 && forMs >= HOLD_MS)) return undefined;
  const { going, standing } = crowd;
  return {
    kind: 'held',
    why: `removing ${going} of ${standing} routes looks like a mistake: held until a later run, by the clock or by hand, agrees`,
  };
}
