/** What a pass over cloud routes is about: whose routes, what may be done about them, and how fast. */
import type { CloudTable } from '../core/cloud-route.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Ledger } from '../core/ledger.ts';
import type { RouteStep } from './cloud-plan.ts';
import type { RouteResult } from './cloud-report.ts';
import type { WriteRight } from './route-writer.ts';

export interface SeenTable extends CloudTable {
  /** AWS: its VPC. */
  readonly network: string;
}

export interface Pace {
  /** Rounds of looking and writing, and how many of them may begin with a pause; what is not seen after the last is seen by the next pass. */
  readonly rounds: number;
  readonly pauses: number;
  /** How many steps are under way at once. */
  readonly atOnce: number;
  /** After so long a round begins no more puts: what was called for is looked at, and senders told. */
  readonly roundMs: number;
}

/** A step that is not for now. */
export interface StepHold {
  readonly result: Extract<RouteResult, 'held' | 'waiting' | 'refused'>;
  readonly why: string;
  readonly code?: ErrorCode;
  readonly hint?: string;
  /** Senders are told the reason by the ledger. */
  readonly published?: boolean;
}

export interface CloudScope {
  readonly networks: readonly string[];
  readonly pace: Pace;
  readonly right: WriteRight;
  /** What to do about each route, puts first. */
  plan(tables: readonly SeenTable[], ledger: Ledger): readonly RouteStep[];
  /** Told all steps of a round before the first is made. @returns for each of them why it is not for now; undefined: it is */
  holds(steps: readonly RouteStep[], tables: readonly SeenTable[]): (step: RouteStep) => StepHold | undefined;
  /** May there be another round, after a pause of so long? Not asked: there may. */
  mayLookAgain?(pauseMs: number): boolean;
  /** The ledger is read anew: what is compared with it has to be as new. */
  refresh?(signal: AbortSignal): Promise<void>;
  /** The cloud has done it, or the ledger knows now what stood already. */
  done?(step: RouteStep, how: 'created' | 'replaced' | 'removed' | 'adopted', signal: AbortSignal): Promise<void>;
}
