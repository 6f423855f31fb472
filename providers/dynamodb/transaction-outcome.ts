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

/** The outcome when a condition did not hold; else throws what made the transaction fail. */
export function transactionOutcome(error: unknown, steps: number): Outcome {
  if (!(error instanceof TransactionCanceledException)) throw error;
  const reasons: readonly CancellationReason[] = error.CancellationReasons ?? [];
  if (reasons.some(({ Code }) => Code === 'ConditionalCheckFailed')) {
    const reports = reasons.map(({ Code, Item }) => ({
      held: Code !== 'ConditionalCheckFailed',
      stood: Item === undefined ? undefined : plainItem(Item),
    }));
    if (reports.length === steps) return { done: false, steps: reports };
  }
  const reason = reasons.find(({ Code }) => Code !== undefined && Code !== 'None');
  if (reason?.Code === undefined) throw error;
  throw new StepFailed(reason.Code, reason.Message ?? error.message);
}
