/** What etcd, gRPC and the network between say, in our words, and once. */
import { WeftError, type ErrorCode } from '../../src/core/errors.ts';

interface RpcError {
  /** gRPC's status code; undefined when the error is none of gRPC's. */
  readonly status: number | undefined;
  readonly details: string;
}

/** gRPC's status codes: https://grpc.io/docs/guides/status-codes */
const STATUS: Readonly<Record<number, ErrorCode>> = {
  1: 'STORE_UNREACHABLE',
  4: 'STORE_TIMEOUT',
  7: 'STORE_DENIED',
  8: 'STORE_THROTTLED',
  14: 'STORE_UNREACHABLE',
  16: 'STORE_DENIED',
};

/** How gRPC says that a call waited for a connection until its deadline (@grpc/grpc-js, load-balancing-call.ts). */
const NEVER_LEFT = /waiting for lb pick/i;

/** etcd's own texts (api/v3rpc/rpctypes/error.go), whatever status they come with. */
const TEXTS: readonly (readonly [RegExp, ErrorCode])[] = [
  [
    /permission denied|invalid auth token|authentication failed|user name is empty|authentication is not enabled|revision of auth store is old/i,
    'STORE_DENIED',
  ],
  [/request timed out|context deadline exceeded/i, 'STORE_TIMEOUT'],
  [/no leader|leader changed|server stopped|unhealthy cluster|not capable|is learner/i, 'STORE_UNREACHABLE'],
  [/too many requests|database space exceeded|request is too large/i, 'STORE_THROTTLED'],
];

/** Node's and OpenSSL's words for a peer that cannot be trusted, or that trusts us not. */
const TLS_TROUBLE = /certificate|self.signed|altname|\bssl\b|\btls\b|alert/i;

/** etcd3's typed errors lose the status code, but their text begins with it: `14 UNAVAILABLE: no connection`. */
function read(error: unknown): RpcError {
  // gRPC ends with this whether it has such a note or not.
  const text = (error instanceof Error ? error.message : String(error)).replace(/\s*Resolution note: *$/, '');
  const match = /^(\d+) [A-Z_]+: ([^]*)$/.exec(text);
  return match === null
    ? { status: undefined, details: text }
    : { status: Number(match[1]), details: match[2] || `gRPC status ${match[1]}` };
}

function codeOf({ status, details }: RpcError): ErrorCode {
  if (NEVER_LEFT.test(details)) return 'STORE_UNREACHABLE';
  const text = TEXTS.find(([pattern]) => pattern.test(details));
  if (text !== undefined) return text[1];
  return STATUS[status ?? 14] ?? 'INTERNAL';
}

function hintOf(code: ErrorCode, details: string): string | undefined {
  if (code === 'STORE_DENIED')
    return /not enabled/.test(details)
      ? 'this etcd asks for no user: leave user name and password out'
      : 'check user name, password and the rights of the user on the prefix';
  if (code === 'STORE_UNREACHABLE' && TLS_TROUBLE.test(details))
    return 'check the CA file, the client certificate and its key, and that the endpoints name the servers as their certificates do';
  if (/database space exceeded/.test(details))
    return 'etcd is full: compact and defragment it, then `etcdctl alarm disarm`';
  return undefined;
}

/** `doing`: what was tried, as it reads after "cannot"; `where`: the endpoint. */
export function storeError(error: unknown, doing: string, where: string, signal?: AbortSignal): WeftError {
  if (error instanceof WeftError) return error;
  if (signal?.aborted === true) return new WeftError('ABORTED', `gave up: cannot ${doing}`, { cause: error });
  const facts = read(error);
  const code = codeOf(facts);
  const hint = hintOf(code, facts.details);
  const what = NEVER_LEFT.test(facts.details) ? 'no connection came about' : facts.details;
  return new WeftError(code, `cannot ${doing} in etcd at ${where}: ${what}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Another endpoint may do better. */
export const isEndpointTrouble = (code: ErrorCode): boolean => code === 'STORE_UNREACHABLE' || code === 'STORE_TIMEOUT';

/** Short faults that the store's own calls try again, without asking who called. */
export const passes = (code: ErrorCode): boolean => isEndpointTrouble(code) || code === 'STORE_THROTTLED';
