import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asWeftError, ERROR_KINDS, isRetryable, WeftError } from '../../src/core/errors.ts';
import { parseNodeId, tryNodeId } from '../../src/core/node-id.ts';

describe('errors', () => {
  it('keep their code, cause and hint', () => {
    const cause = new Error('socket closed');
    const error = new WeftError('STORE_UNREACHABLE', 'the store did not answer', { cause, hint: 'Is it running?' });
    assert.equal(error.name, 'WeftError');
    assert.equal(error.code, 'STORE_UNREACHABLE');
    assert.equal(error.cause, cause);
    assert.equal(error.hint, 'Is it running?');
    assert.equal(asWeftError(error), error);
  });

  it('of foreign origin are INTERNAL, with their cause', () => {
    const cause = new TypeError('x is not a function');
    const error = asWeftError(cause);
    assert.equal(error.code, 'INTERNAL');
    assert.equal(error.message, 'x is not a function');
    assert.equal(error.cause, cause);
    assert.equal(asWeftError('text').message, 'text');
  });

  it('are worth another try by their code alone', () => {
    assert.equal(isRetryable(new WeftError('STORE_THROTTLED', '')), true);
    assert.equal(isRetryable(new WeftError('CONFIG_INVALID', '')), false);
    assert.equal(isRetryable(new Error('x')), false);
  });

  it('end the process with the exit code of their kind', () => {
    assert.equal(ERROR_KINDS.FENCED.exit, 4);
    assert.equal(ERROR_KINDS.CONFIG_INVALID.exit, 2);
    assert.equal(ERROR_KINDS.NOT_PERMITTED.exit, 5);
  });
});

describe('node ids', () => {
  it('are what clouds and people use, and no path, key or address list', () => {
    for (const text of ['i-0abc', 'node_1.example.com', 'a', 'x'.repeat(128)]) assert.equal(tryNodeId(text), text);
    for (const text of ['', '-a', '.a', 'a b', 'a/b', 'a#b', 'a\n', 'x'.repeat(129), 'é'])
      assert.equal(tryNodeId(text), undefined, text);
    assert.throws(() => parseNodeId('a b'), { code: 'BAD_OPTION' });
  });
});
