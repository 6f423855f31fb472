import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cloudError, mayHaveHappened } from '../../providers/aws/aws-errors.ts';
import { WeftError } from '../../src/core/errors.ts';

const sdkError = (name: string, message = 'said AWS', status: number | null = 400): Error =>
  Object.assign(new Error(message), { name, $metadata: status === null ? {} : { httpStatusCode: status } });
const codeOf = (error: unknown): string => cloudError(error, 'do it').code;

describe('errors of AWS', () => {
  it('CLOUD 1.3: each has one of our codes, and says what was tried and what AWS said', () => {
    const codes = {
      ROUTE_TABLE_FULL: ['RouteLimitExceeded', 'ResourceCountLimitExceeded', 'RouteTableLimitExceeded'],
      CLOUD_CONFLICT: ['RouteAlreadyExists'],
      CLOUD_NOT_FOUND: [
        'InvalidRoute.NotFound',
        'InvalidRouteTableID.NotFound',
        'InvalidRouteTableId.Malformed',
        'InvalidNetworkInterfaceID.NotFound',
        'InvalidInstanceID',
        'InvalidInstanceID.NotFound',
        'NoSuchResourceException',
      ],
      CLOUD_REFUSED: [
        'InvalidParameterValue',
        'InvalidParameterCombination',
        'IncorrectState',
        'DependencyViolation',
        'ValidationError',
        'SomethingNew',
      ],
      CLOUD_DENIED: [
        'UnauthorizedOperation',
        'AuthFailure',
        'RequestExpired',
        'ExpiredToken',
        'AccessDenied',
        'AccessDeniedException',
        'InvalidSignatureException',
      ],
      CLOUD_THROTTLED: ['RequestLimitExceeded', 'Throttling', 'TooManyRequestsException'],
      CLOUD_UNREACHABLE: ['InternalError', 'Unavailable', 'ServiceException', 'ResourceContention'],
    } as const;
    for (const [code, names] of Object.entries(codes)) {
      for (const name of names) {
        const error = cloudError(sdkError(name), 'write the route');
        assert.equal(error.code, code, name);
        assert.equal(error.message, `cannot write the route: ${name}: said AWS`);
      }
    }
    assert.equal(codeOf(sdkError('Odd', 'x', 503)), 'CLOUD_UNREACHABLE');
    assert.equal(codeOf(sdkError('Odd', 'x', 429)), 'CLOUD_THROTTLED');
  });

  it('says the same words each time: what varies from call to call is left out', () => {
    const denied = sdkError(
      'UnauthorizedOperation',
      'You are not authorized. Encoded authorization failure message: 4xT2abc-7',
    );
    assert.equal(cloudError(denied, 'do it').message, 'cannot do it: UnauthorizedOperation: You are not authorized');
    const internal = sdkError('InternalError', 'An error (RequestID: 0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f)', 500);
    assert.equal(cloudError(internal, 'do it').message, 'cannot do it: InternalError: An error');
  });

  it('knows which calls may have taken effect', () => {
    const system = (code: string): Error => Object.assign(new Error('x'), { code });
    assert.deepEqual(
      [
        sdkError('RouteLimitExceeded'),
        sdkError('RequestLimitExceeded', 'x', 503),
        sdkError('TimeoutError', 'x', null),
        system('ECONNRESET'),
        system('ECONNREFUSED'),
        sdkError('CredentialsProviderError', 'x', null),
      ].map(mayHaveHappened),
      [false, false, true, true, false, false],
    );
  });

  it('keeps our own errors, and says ABORTED when the signal has fired', () => {
    const own = new WeftError('CLOUD_CONFLICT', 'ours');
    assert.equal(cloudError(own, 'do it'), own);
    assert.equal(cloudError(new Error('x'), 'do it', AbortSignal.abort()).code, 'ABORTED');
  });
});
