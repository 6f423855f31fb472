/** Something wrong in a network config. Readers collect them all: the daemon shows the first, `weftd config check` every one. */
import type { ErrorCode } from './errors.ts';

export interface ConfigProblem {
  readonly code: ErrorCode;
  /** The key it is about, with dots: `Weft.Probe.Interval`. Empty: the text as a whole. */
  readonly key: string;
  /** Where flannel has a text for it, exactly that. */
  readonly message: string;
  /** What to write instead. */
  readonly fix: string;
}
