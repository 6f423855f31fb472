/** What DynamoDB, the SDK and the network between say, in our words, and once. */
import { WeftError, type ErrorCode } from '../../src/core/errors.ts';
import { PARTITION_KEY, SORT_KEY } from './table.ts';

/** Exception names: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html and .../APIReference/CommonErrors.html */
const BY_NAME: Readonly<Record<string, ErrorCode>> = {
  ResourceNotFoundException: 'STORE_TABLE_MISSING',
  ProvisionedThroughputExceededException: 'STORE_THROTTLED',
  ProvisionedThroughputExceeded: 'STORE_THROTTLED',
  ThrottlingException: 'STORE_THROTTLED',
  Throttling: 'STORE_THROTTLED',
  ThrottlingError: 'STORE_THROTTLED',
  RequestLimitExceeded: 'STORE_THROTTLED',
  LimitExceededException: 'STORE_THROTTLED',
  TransactionConflictException: 'STORE_CONFLICT',
  TransactionConflict: 'STORE_CONFLICT',
  TransactionInProgressException: 'STORE_CONFLICT',
  ResourceInUseException: 'STORE_CONFLICT',
  ConditionalCheckFailedException: 'RECORD_CHANGED',
  AccessDeniedException: 'STORE_DENIED',
  UnrecognizedClientException: 'STORE_DENIED',
  MissingAuthenticationTokenException: 'STORE_DENIED',
  MissingAuthenticationToken: 'STORE_DENIED',
  IncompleteSignatureException: 'STORE_DENIED',
  InvalidSignatureException: 'STORE_DENIED',
  ExpiredTokenException: 'STORE_DENIED',
  OptInRequired: 'STORE_DENIED',
  NotAuthorized: 'STORE_DENIED',
  CredentialsProviderError: 'STORE_DENIED',
  TokenProviderError: 'STORE_DENIED',
  RequestTimeTooSkewed: 'STORE_TIMEOUT',
  RequestExpired: 'STORE_TIMEOUT',
  RequestTimeout: 'STORE_TIMEOUT',
  InternalServerError: 'STORE_UNREACHABLE',
  InternalFailure: 'STORE_UNREACHABLE',
  ServiceUnavailable: 'STORE_UNREACHABLE',
};

/** System errors after which nothing can have reached the store (connect(2), getaddrinfo(3)). */
const NEVER_LEFT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** The SDK's word when its own patience with connect(2) ends (@smithy/node-http-handler). */
const NO_CONNECTION = /did not establish a connection/i;

interface SdkError {
  readonly name: string;
  readonly message: string;
  readonly systemCode: string | undefined;
  /** HTTP status, when an answer came. */
  readonly status: number | undefined;
}

function read(error: unknown): SdkError {
  const fields = new Map<string, unknown>(typeof error === 'object' && error !== null ? Object.entries(error) : []);
  const metadata: unknown = fields.get('$metadata');
  const status: unknown =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : undefined;
  const systemCode = fields.get('code');
  return {
    name: error instanceof Error ? error.name : '',
    // One line: behind it InvalidSignatureException repeats the request as it should have been signed, session token included.
    message: (error instanceof Error ? error.message : String(error)).split('\n', 1).join(),
    systemCode: typeof systemCode === 'string' ? systemCode : undefined,
    status: typeof status === 'number' ? status : undefined,
  };
}

/** Our calls always give both keys, as strings: who complains of a key has other ones. (Each DynamoDB words it in its own way.) */
const SCHEMA_COMPLAINT = /\bkeys?\b/i;

function codeOf({ name, message, systemCode, status }: SdkError): ErrorCode {
  // The host's clock is wrong. From this answer the SDK learns by how much, and signs the next call right.
  if (name === 'InvalidSignatureException' && /signature (expired|not yet current)/i.test(message))
    return 'STORE_TIMEOUT';
  const known = BY_NAME[name];
  if (known !== undefined) return known;
  if (name === 'ValidationException' || name === 'ValidationError')
    return SCHEMA_COMPLAINT.test(message) ? 'STORE_TABLE_WRONG' : 'INTERNAL';
  if (NO_CONNECTION.test(message)) return 'STORE_UNREACHABLE';
  // The SDK says TimeoutError of a reset connection too; the system's code tells them apart.
  if (systemCode === 'ETIMEDOUT' || (systemCode === undefined && name === 'TimeoutError')) return 'STORE_TIMEOUT';
  if (systemCode !== undefined || (status !== undefined && status >= 500)) return 'STORE_UNREACHABLE';
  if (/region is missing/i.test(message)) return 'BAD_OPTION';
  // An answer cut in the middle is no JSON: the SDK then fails with the parser's error.
  if (name === 'SyntaxError' || /deserialization|socket hang up|aborted/i.test(message)) return 'STORE_UNREACHABLE';
  return status === undefined ? 'STORE_UNREACHABLE' : 'INTERNAL';
}

const HINTS: Partial<Record<ErrorCode, string>> = {
  STORE_TABLE_MISSING: 'make it with `weftd config set --create-table`, or check its name, the region and the account',
  STORE_TABLE_WRONG: `the table needs the partition key "${PARTITION_KEY}" and the sort key "${SORT_KEY}", both strings; \`weftd config set --create-table\` makes such a one under another name`,
  STORE_DENIED: 'check the credentials and that their policy allows the calls that docs/configuration.md lists',
  BAD_OPTION: 'add region=... to the store URL, or set AWS_REGION',
};

/** `doing`: what was tried, as it reads after "cannot". */
export function storeError(error: unknown, doing: string, table: string, signal?: AbortSignal): WeftError {
  if (error instanceof WeftError) return error;
  if (signal?.aborted === true) return new WeftError('ABORTED', `gave up: cannot ${doing}`, { cause: error });
  const facts = read(error);
  const code = codeOf(facts);
  const what =
    code === 'STORE_TABLE_MISSING'
      ? 'there is no such table'
      : [facts.name, facts.systemCode, facts.message]
          .filter((part) => part !== undefined && part !== '' && part !== 'Error')
          .join(': ');
  const hint = HINTS[code];
  return new WeftError(code, `cannot ${doing} in DynamoDB table ${table}: ${what}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The store said no before it did anything, or was never reached: trying again cannot do it twice. */
export function neverHappened(error: unknown): boolean {
  const facts = read(error);
  if (facts.systemCode !== undefined) return NEVER_LEFT.has(facts.systemCode);
  if (NO_CONNECTION.test(facts.message)) return true;
  return facts.status !== undefined && facts.status < 500 && facts.status >= 400;
}

/** Short faults that the store's own calls try again, without asking who called. */
export const passes = (code: ErrorCode): boolean =>
  code === 'STORE_THROTTLED' || code === 'STORE_CONFLICT' || code === 'STORE_UNREACHABLE' || code === 'STORE_TIMEOUT';
