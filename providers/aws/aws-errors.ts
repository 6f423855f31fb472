/** What AWS's services, the SDK and the network between say, in our words. The same trouble has the same words each time: they are written into the ledger. */
import { WeftError, type ErrorCode } from '../../src/core/errors.ts';

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html; ids are spelt both ways there. */
const BY_NAME: Readonly<Record<string, ErrorCode>> = {
  RouteAlreadyExists: 'CLOUD_CONFLICT',
  RouteLimitExceeded: 'ROUTE_TABLE_FULL',
  ResourceCountLimitExceeded: 'ROUTE_TABLE_FULL',
  RouteTableLimitExceeded: 'ROUTE_TABLE_FULL',
  'InvalidRoute.NotFound': 'CLOUD_NOT_FOUND',
  'InvalidRouteTableID.NotFound': 'CLOUD_NOT_FOUND',
  'InvalidRouteTableId.NotFound': 'CLOUD_NOT_FOUND',
  'InvalidRouteTableId.Malformed': 'CLOUD_NOT_FOUND',
  'InvalidRouteTableID.Malformed': 'CLOUD_NOT_FOUND',
  'InvalidNetworkInterfaceID.NotFound': 'CLOUD_NOT_FOUND',
  'InvalidNetworkInterfaceId.Malformed': 'CLOUD_NOT_FOUND',
  'InvalidNetworkInterfaceID.Malformed': 'CLOUD_NOT_FOUND',
  InvalidInstanceID: 'CLOUD_NOT_FOUND',
  'InvalidInstanceID.NotFound': 'CLOUD_NOT_FOUND',
  'InvalidInstanceID.Malformed': 'CLOUD_NOT_FOUND',
  'InvalidVpcID.NotFound': 'CLOUD_NOT_FOUND',
  NoSuchResourceException: 'CLOUD_NOT_FOUND',
  InvalidParameterValue: 'CLOUD_REFUSED',
  InvalidParameterCombination: 'CLOUD_REFUSED',
  InvalidParameter: 'CLOUD_REFUSED',
  MissingParameter: 'CLOUD_REFUSED',
  UnsupportedOperation: 'CLOUD_REFUSED',
  OperationNotPermitted: 'CLOUD_REFUSED',
  IncorrectState: 'CLOUD_REFUSED',
  IncorrectInstanceState: 'CLOUD_REFUSED',
  DependencyViolation: 'CLOUD_REFUSED',
  ValidationError: 'CLOUD_REFUSED',
  UnauthorizedOperation: 'CLOUD_DENIED',
  // Of Auto Scaling, and of Service Quotas.
  AccessDenied: 'CLOUD_DENIED',
  AccessDeniedException: 'CLOUD_DENIED',
  AuthFailure: 'CLOUD_DENIED',
  Blocked: 'CLOUD_DENIED',
  OptInRequired: 'CLOUD_DENIED',
  PendingVerification: 'CLOUD_DENIED',
  InvalidClientTokenId: 'CLOUD_DENIED',
  MissingAuthenticationToken: 'CLOUD_DENIED',
  SignatureDoesNotMatch: 'CLOUD_DENIED',
  IncompleteSignature: 'CLOUD_DENIED',
  ExpiredToken: 'CLOUD_DENIED',
  ExpiredTokenException: 'CLOUD_DENIED',
  InvalidSignatureException: 'CLOUD_DENIED',
  UnrecognizedClientException: 'CLOUD_DENIED',
  CredentialsProviderError: 'CLOUD_DENIED',
  TokenProviderError: 'CLOUD_DENIED',
  // Of credentials, or of a signature that was under way for too long.
  RequestExpired: 'CLOUD_DENIED',
  RequestLimitExceeded: 'CLOUD_THROTTLED',
  Throttling: 'CLOUD_THROTTLED',
  ThrottlingException: 'CLOUD_THROTTLED',
  RequestThrottled: 'CLOUD_THROTTLED',
  TooManyRequestsException: 'CLOUD_THROTTLED',
  EC2ThrottledException: 'CLOUD_THROTTLED',
  SlowDown: 'CLOUD_THROTTLED',
  InsufficientCapacity: 'CLOUD_UNREACHABLE',
  InternalError: 'CLOUD_UNREACHABLE',
  InternalFailure: 'CLOUD_UNREACHABLE',
  ServerInternal: 'CLOUD_UNREACHABLE',
  ServiceException: 'CLOUD_UNREACHABLE',
  ResourceContention: 'CLOUD_UNREACHABLE',
  ServiceUnavailable: 'CLOUD_UNREACHABLE',
  Unavailable: 'CLOUD_UNREACHABLE',
};

const HINTS: Partial<Record<ErrorCode, string>> = {
  ROUTE_TABLE_FULL:
    'Raise the quota "Routes per route table" (L-93826ACB), or give the subnets more tables; these pairs stay on a tunnel until then.',
  CLOUD_DENIED: "Give the instance's role this right (docs/operating.md lists all), and look at the host's clock.",
  CLOUD_CONFLICT: 'Remove that route if nobody needs it.',
  CLOUD_NOT_FOUND: 'Look at the id, in the network config if it stands there.',
};

interface SdkError {
  readonly name: string;
  readonly message: string;
  readonly systemCode: string | undefined;
  /** HTTP status, when an answer came. */
  readonly status: number | undefined;
}

export function readSdkError(error: unknown): SdkError {
  const fields = new Map<string, unknown>(typeof error === 'object' && error !== null ? Object.entries(error) : []);
  const metadata: unknown = fields.get('$metadata');
  const status: unknown =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : undefined;
  const systemCode = fields.get('code');
  const name = error instanceof Error ? error.name : '';
  return {
    name,
    message: error instanceof Error ? error.message : String(error),
    systemCode: typeof systemCode === 'string' && systemCode !== name ? systemCode : undefined,
    status: typeof status === 'number' ? status : undefined,
  };
}

const codeOf = ({ name, message, status }: SdkError): ErrorCode => {
  const known = BY_NAME[name];
  if (known !== undefined) return known;
  if (/region is missing/i.test(message)) return 'BAD_OPTION';
  if (status === 429) return 'CLOUD_THROTTLED';
  // A code that we do not know, of a call that was understood: the cloud's own words say more than ours could.
  return status !== undefined && status >= 400 && status < 500 ? 'CLOUD_REFUSED' : 'CLOUD_UNREACHABLE';
};

/** What changes from call to call goes: the encoded reason of a denial, request ids. */
const steady = (message: string): string =>
  message
    .replace(/\s*Encoded authorization failure message:.*$/s, '')
    .replaceAll(/\s*\(?Request ?ID:? ?[0-9a-f-]{36}\)?/gi, '')
    .trim()
    .slice(0, 200)
    .replace(/\.$/, '');

/** `doing`: what was tried, as it reads after "cannot". */
export function cloudError(error: unknown, doing: string, signal?: AbortSignal): WeftError {
  if (error instanceof WeftError) return error;
  if (signal?.aborted === true) return new WeftError('ABORTED', `gave up: cannot ${doing}`, { cause: error });
  const facts = readSdkError(error);
  const code = codeOf(facts);
  const hint = HINTS[code];
  const what = [facts.name, facts.systemCode, steady(facts.message)].filter(
    (part) => part !== undefined && part !== '' && part !== 'Error',
  );
  return new WeftError(code, `cannot ${doing}: ${what.join(': ')}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** System errors after which nothing can have reached the cloud (connect(2), getaddrinfo(3)). */
const NEVER_LEFT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** May the call have taken effect although it failed? */
export function mayHaveHappened(error: unknown): boolean {
  const { status, systemCode, name } = readSdkError(error);
  if (systemCode !== undefined && NEVER_LEFT.has(systemCode)) return false;
  // A refusal of the rate comes with status 503.
  if (name === 'CredentialsProviderError' || BY_NAME[name] === 'CLOUD_THROTTLED') return false;
  return status === undefined || status < 400 || status >= 500;
}
