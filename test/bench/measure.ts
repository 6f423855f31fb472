/** What all benchmarks share: medians of interleaved runs, a table, and bars that end the program non-zero when missed. */
import os from 'node:os';

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[middle - (sorted.length % 2 === 0 ? 1 : 0)], sorted[middle]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/**
 * Runs every subject once a round, so that what the machine does besides meets all alike. One round before counts for nothing.
 * @returns what each measured, a number a round
 */
export async function interleaved<Name extends string>(
  rounds: number,
  subjects: Readonly<Record<Name, () => number | Promise<number>>>,
): Promise<Readonly<Record<Name, readonly number[]>>> {
  const names = Object.keys(subjects) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const value = await subjects[name]();
      if (round > 0) measured[name].push(value);
    }
  }
  return measured;
}

/** Milliseconds that the work takes. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export type Bar = {
  readonly what: string;
  readonly value: number;
  /** Behind both numbers: ` ms`, ` x`. */
  readonly unit: string;
} & ({ readonly atMost: number } | { readonly atLeast: number });

/** Prints the table and then each bar; the process ends with 1 when one is missed. */
export function report(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  bars: readonly Bar[],
): void {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  const machine = `Node ${process.versions.node}, ${os.availableParallelism()} cores, Linux ${os.release()}`;
  console.log(`\n${title} (${machine})\n\n${[head, ...rows].map(line).join('\n')}\n`);
  for (const bar of bars) {
    const { what, value, unit } = bar;
    const kept = 'atMost' in bar ? value <= bar.atMost : value >= bar.atLeast;
    const words = 'atMost' in bar ? `at most ${round(bar.atMost)}` : `at least ${round(bar.atLeast)}`;
    console.log(`${kept ? 'ok    ' : 'MISSED'}  ${what}: ${round(value)}${unit}, ${words}${unit}`);
    if (!kept) process.exitCode = 1;
  }
}

/** Three digits that count. */
export const round = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
