/** Which sequences of one sender have been met: the newest and the 63 before it. What is older counts as met (RFC 4303, section 3.4.3). */

const SIZE = 64n;

export interface ReplayWindow {
  /** The newest sequence met; 0 before the first. */
  readonly newest: number;
  /** Bit n: the sequence n places before the newest was met. */
  readonly met: bigint;
}

export const NOTHING_MET: ReplayWindow = { newest: 0, met: 0n };

/** The window with this sequence met; undefined when it was met before or is too old to tell. */
export function admit({ newest, met }: ReplayWindow, sequence: number): ReplayWindow | undefined {
  if (sequence > newest) {
    const by = BigInt(sequence - newest);
    return { newest: sequence, met: by >= SIZE ? 1n : BigInt.asUintN(Number(SIZE), met << by) | 1n };
  }
  const back = BigInt(newest - sequence);
  if (sequence < 1 || back >= SIZE || (met & (1n << back)) !== 0n) return undefined;
  return { newest, met: met | (1n << back) };
}
