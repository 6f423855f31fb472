/** Chance, handed in, so that a test can repeat it. */
export interface Random {
  /** A whole number from 0 to `bound` - 1; `bound` at least 1. */
  below(bound: number): number;
  /** A number from 0 up to, not including, 1. */
  fraction(): number;
}
