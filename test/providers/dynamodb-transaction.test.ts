import assert from 'node:assert/strict';
import { TransactionCanceledException, type CancellationReason } from '@aws-sdk/client-dynamodb';
import { describe, it } from 'node:test';
import { storeError } from '../../providers/dynamodb/dynamodb-errors.ts';
import { transactionOutcome } from '../../providers/dynamodb/transaction-outcome.ts';

const cancelled = (...CancellationReasons: CancellationReason[]): TransactionCanceledException =>
  new TransactionCanceledException({ message: 'cancelled', $metadata: { httpStatusCode: 400 }, CancellationReasons });

function codeOf(error: TransactionCanceledException): string {
  try {
    transactionOutcome(error, 2, 'fails');
    return 'no error';
  } catch (thrown) {
    return storeError(thrown, 'x', 'weft').code;
  }
}

describe('a refused transaction', () => {
  it('tells whose condition did not hold, and what stood there', () => {
    const refused = cancelled({ Code: 'ConditionalCheckFailed', Item: { seq: { N: '7' } } }, { Code: 'None' });
    assert.deepEqual(transactionOutcome(refused, 2, 'fails'), {
      done: false,
      steps: [
        { held: false, stood: { seq: 7 } },
        { held: true, stood: undefined },
      ],
    });
  });

  it('is an error of its own where no condition failed', () => {
    assert.equal(codeOf(cancelled({ Code: 'None' }, { Code: 'ThrottlingError' })), 'STORE_THROTTLED');
    assert.equal(codeOf(cancelled({ Code: 'ProvisionedThroughputExceeded' }, { Code: 'None' })), 'STORE_THROTTLED');
    assert.equal(codeOf(cancelled({ Code: 'TransactionConflict' }, { Code: 'None' })), 'STORE_CONFLICT');
    assert.equal(
      codeOf(cancelled({ Code: 'ValidationError', Message: 'key element' }, { Code: 'None' })),
      'STORE_TABLE_WRONG',
    );
    assert.throws(() => transactionOutcome(new Error('other'), 2, 'fails'), /other/);
  });

  it('over a row that another transaction has is a refusal, where one would rather go another way than wait', () => {
    const conflict = cancelled({ Code: 'None' }, { Code: 'TransactionConflict' });
    assert.deepEqual(transactionOutcome(conflict, 2, 'refuses'), { done: false, steps: [] });
  });
});
