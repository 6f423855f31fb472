/** What a refused transaction says about each of its steps. */
import { TransactionCanceledException, type CancellationReason } from '@aws-sdk/client-dynamodb';
import { plainItem, type Plain } from './attributes.ts';

/** One step of a transaction that was not made: did its condition hold, and if not, what stood there. */
export interface StepReport {
  readonly held: boolean;
  readonly stood: Plain | undefined;
}

export type Outcome = { readonly done: true } | { readonly done: false; readonly steps: readonly StepReport[] };

/** One of the reasons that is not a condition (throttled, in conflict, not valid), as the error it would be if its step stood alone. */
class StepFailed extends Error {
  readonly $metadata = { httpStatusCode: 400 };

  constructor(code: string, message: string) {
    super(message);
    this.name = code;
  }
}

/**
 * The outcome when a condition did not hold; else throws what made the transaction fail. `conflict`: what to make of another transaction that
 * had one of the rows at that moment: an error, which is tried again, or a refusal of no step in particular.
 */
export function transactionOutcome(error: unknown, steps: number, conflict: 'fails' | 'refuses'): Outcome {
  if (!(error instanceof TransactionCanceledException)) throw error;
  const reasons: readonly CancellationReason[] = error.CancellationReasons ?? [];
  if (reasons.length === steps && reasons.some(({ Code }) => Code === 'ConditionalCheckFailed')) {
    const reports = reasons.map(({ Code, Item }) => ({
      held: Code !== 'ConditionalCheckFailed',
      stood: Item === undefined ? undefined : plainItem(Item),
    }));
    return { done: false, steps: reports };
  }
  const reason = reasons.find(({ Code }) => Code !== undefined && Code !== 'None');
  if (reason?.Code === undefined) throw error;
  if (reason.Code === 'TransactionConflict' && conflict === 'refuses') return { done: false, steps: [] };
  throw new StepFailed(reason.Code, reason.Message ?? error.message);
}
