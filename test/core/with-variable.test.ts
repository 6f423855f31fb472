import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withVariable } from '../../src/core/with-variable.ts';

test('a variable is set for the time of the work alone, and is as it was before also when the work fails', () => {
  const environment: Record<string, string | undefined> = { OTHER: 'stays' };
  assert.equal(
    withVariable(environment, 'QUIET', 'true', () => environment['QUIET']),
    'true',
  );
  assert.deepEqual(environment, { OTHER: 'stays' });
  const failing = (): never => {
    throw new Error('no');
  };
  assert.throws(() => withVariable(environment, 'OTHER', 'true', failing), /no/);
  assert.deepEqual(environment, { OTHER: 'stays' });
});
