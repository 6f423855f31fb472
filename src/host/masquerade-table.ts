/** A place where masquerade rules of ours can stand, in the words of the program that keeps it. */
import type { MasqueradeRule } from '../core/masquerade-rules.ts';
import type { PostroutingRule } from './postrouting.ts';

export interface SeenMasquerade {
  /** All that stands there of ours, as its program says it. */
  readonly text: string;
  /** Undefined: packets do not come to these rules as they should. */
  readonly rules: readonly PostroutingRule[] | undefined;
}

export interface MasqueradeTable {
  /** What stands of this instance; undefined when nothing does. */
  read(instance: string, signal: AbortSignal): Promise<SeenMasquerade | undefined>;
  /** All or nothing, in one step: no packet passes between the rules before and these. */
  replace(instance: string, rules: readonly MasqueradeRule[], fullyRandom: boolean, signal: AbortSignal): Promise<void>;
  /** All of this instance, and nothing else. Also when nothing stands. */
  remove(instance: string, signal: AbortSignal): Promise<void>;
}
