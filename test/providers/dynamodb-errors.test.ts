import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { neverHappened, storeError } from '../../providers/dynamodb/dynamodb-errors.ts';
import { WeftError } from '../../src/core/errors.ts';

/** As the SDK throws them. */
const fromService = (name: string, message = '', httpStatusCode = 400): Error =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });
const fromSystem = (code: string, name = 'Error'): Error => Object.assign(new Error(`connect ${code}`), { code, name });

const CASES: readonly (readonly [Error, string, boolean])[] = [
  [fromService('ResourceNotFoundException', 'Requested resource not found'), 'STORE_TABLE_MISSING', true],
  [fromService('ValidationException', 'The provided key element does not match the schema'), 'STORE_TABLE_WRONG', true],
  [fromService('ValidationException', 'Query condition missed key schema element: id'), 'STORE_TABLE_WRONG', true],
  [fromService('ValidationException', 'Query key condition not supported'), 'STORE_TABLE_WRONG', true],
  [
    fromService('ValidationException', 'One or more parameter values were invalid: Missing the key id in the item'),
    'STORE_TABLE_WRONG',
    true,
  ],
  [fromService('ValidationException', 'One of the required keys was not given a value'), 'STORE_TABLE_WRONG', true],
  [fromService('ValidationException', 'Item size has exceeded the maximum allowed size'), 'INTERNAL', true],
  [fromService('AccessDeniedException', 'User is not authorized to perform: dynamodb:PutItem'), 'STORE_DENIED', true],
  [
    fromService('UnrecognizedClientException', 'The security token included in the request is invalid.'),
    'STORE_DENIED',
    true,
  ],
  [
    fromService('InvalidSignatureException', 'The request signature we calculated does not match'),
    'STORE_DENIED',
    true,
  ],
  [
    fromService('InvalidSignatureException', 'Signature expired: 20260101T000000Z is now earlier than'),
    'STORE_TIMEOUT',
    true,
  ],
  [fromService('ExpiredTokenException'), 'STORE_DENIED', true],
  [
    Object.assign(new Error('Could not load credentials from any providers'), { name: 'CredentialsProviderError' }),
    'STORE_DENIED',
    false,
  ],
  [fromService('ThrottlingException'), 'STORE_THROTTLED', true],
  [fromService('ProvisionedThroughputExceededException'), 'STORE_THROTTLED', true],
  [fromService('RequestLimitExceeded'), 'STORE_THROTTLED', true],
  [fromService('TransactionConflictException'), 'STORE_CONFLICT', true],
  [fromService('TransactionInProgressException'), 'STORE_CONFLICT', true],
  [fromService('InternalServerError', '', 500), 'STORE_UNREACHABLE', false],
  [fromService('SomethingNew', '', 503), 'STORE_UNREACHABLE', false],
  [fromService('SomethingNew', '', 400), 'INTERNAL', true],
  [fromSystem('ECONNREFUSED'), 'STORE_UNREACHABLE', true],
  [fromSystem('ENOTFOUND'), 'STORE_UNREACHABLE', true],
  [fromSystem('ECONNRESET', 'TimeoutError'), 'STORE_UNREACHABLE', false],
  [fromSystem('EPIPE'), 'STORE_UNREACHABLE', false],
  [fromSystem('ETIMEDOUT', 'TimeoutError'), 'STORE_TIMEOUT', false],
  [Object.assign(new Error('no answer'), { name: 'TimeoutError' }), 'STORE_TIMEOUT', false],
  [
    Object.assign(new Error('the request socket did not establish a connection with the server'), {
      name: 'TimeoutError',
    }),
    'STORE_UNREACHABLE',
    true,
  ],
  [new SyntaxError('Unexpected end of JSON input'), 'STORE_UNREACHABLE', false],
  [new Error('Region is missing'), 'BAD_OPTION', false],
];

describe('errors of DynamoDB', () => {
  for (const [error, code, never] of CASES) {
    it(`${error.name} "${error.message}" is ${code}${never ? ', and nothing happened' : ''}`, () => {
      const translated = storeError(error, 'read row config', 'weft');
      assert.equal(translated.code, code);
      assert.equal(translated.cause, error);
      assert.match(translated.message, /^cannot read row config in DynamoDB table weft: /);
      assert.equal(neverHappened(error), never);
    });
  }

  it('say what a person can do', () => {
    const hint = (error: Error) => storeError(error, 'x', 'weft').hint ?? '';
    assert.match(hint(fromService('ResourceNotFoundException')), /weftd config set --create-table/);
    assert.match(
      hint(fromService('ValidationException', 'The provided key element does not match the schema')),
      /partition key "PK" and the sort key "SK", both strings/,
    );
    assert.match(hint(fromService('AccessDeniedException')), /credentials/);
    assert.match(hint(new Error('Region is missing')), /region=/);
  });

  it('do not repeat the request that was signed wrongly, which holds the session token', () => {
    const said = 'The signature does not match.\n\nThe Canonical String should have been\nx-amz-security-token:hunter2';
    const { message } = storeError(fromService('InvalidSignatureException', said), 'x', 'weft');
    assert.match(message, /The signature does not match\.$/);
  });

  it('after the caller gave up are ABORTED, and our own stay as they are', () => {
    assert.equal(storeError(fromSystem('ECONNRESET'), 'x', 'weft', AbortSignal.abort()).code, 'ABORTED');
    const own = new WeftError('LEASE_LOST', 'gone');
    assert.equal(storeError(own, 'x', 'weft', AbortSignal.abort()), own);
  });
});
