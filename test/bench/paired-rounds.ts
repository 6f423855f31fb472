/** Two ways to move data, taking turns so quickly that whatever else the machine does meets both alike. */
import type { Flow, Slice } from './iperf-flow.ts';
import { median } from './measure.ts';

/** One flow in each direction. */
export type BothWays = readonly [Flow, Flow];

export interface Round {
  /** Moved in a second of the busier end's core. */
  readonly reference: number;
  readonly subject: number;
  readonly ratio: number;
  /** By the clock on the wall. */
  readonly wallRatio: number;
}

const AT_LEAST = 7;
const ROUND_MS = 2500;
/** As narrow as the median's confidence interval shall be on either side, before rounds end early. */
const NARROW = 0.008;

interface Sum {
  moved: number;
  ms: number;
  busyMs: number;
}

export async function pairedRounds(
  reference: BothWays,
  subject: BothWays,
  atMostMs: number,
): Promise<readonly Round[]> {
  const rounds: Round[] = [];
  const deadline = performance.now() + atMostMs;
  await round(reference, subject);
  while (rounds.length < AT_LEAST || (confidence(rounds) > NARROW && performance.now() < deadline))
    rounds.push(await round(reference, subject));
  return rounds;
}

/** Quarters of A B B A, in each direction in turn: a drift of the machine meets both alike. */
async function round(reference: BothWays, subject: BothWays): Promise<Round> {
  const [a, b]: [Sum, Sum] = [nothing(), nothing()];
  const start = performance.now();
  do {
    for (const way of [0, 1] as const) {
      add(a, await reference[way].slice());
      add(b, await subject[way].slice());
      add(b, await subject[way].slice());
      add(a, await reference[way].slice());
    }
  } while (performance.now() < start + ROUND_MS);
  const rate = ({ moved, busyMs }: Sum): number => (moved / busyMs) * 1000;
  const wallRate = ({ moved, ms }: Sum): number => moved / ms;
  return { reference: rate(a), subject: rate(b), ratio: rate(b) / rate(a), wallRatio: wallRate(b) / wallRate(a) };
}

const nothing = (): Sum => ({ moved: 0, ms: 0, busyMs: 0 });

function add(sum: Sum, { moved, ms, busyMs }: Slice): void {
  sum.moved += moved;
  sum.ms += ms;
  sum.busyMs += busyMs;
}

/** Half the notch of a box plot: 1.57 times the middle half over the root of the count (McGill, Tukey, Larsen 1978), about 95 %. */
export function confidence(rounds: readonly Round[]): number {
  const ratios = rounds.map(({ ratio }) => ratio).toSorted((x, y) => x - y);
  const half = Math.floor(ratios.length / 2);
  return (1.57 * (median(ratios.slice(-half)) - median(ratios.slice(0, half)))) / Math.sqrt(ratios.length);
}
