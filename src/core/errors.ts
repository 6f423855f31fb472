/**
 * Every error that a person or a program meets has a code from this one table.
 * `docs/errors.md` lists the same codes; a test holds the two together.
 */
interface ErrorKind {
  /** May the same call succeed later without anybody changing anything? */
  readonly retry: boolean;
  /** Exit code when the error ends the process: 1 failure, 2 bad usage or config, 4 fenced, 5 no right to the kernel. */
  readonly exit: 1 | 2 | 4 | 5;
}

const fault: ErrorKind = { retry: false, exit: 1 };
const passing: ErrorKind = { retry: true, exit: 1 };
const usage: ErrorKind = { retry: false, exit: 2 };
const denied: ErrorKind = { retry: false, exit: 5 };

export const ERROR_KINDS = {
  // What a person wrote
  BAD_OPTION: usage,
  BAD_ADDRESS: usage,
  BAD_SUBNET: usage,
  CONFIG_NOT_JSON: usage,
  CONFIG_INVALID: usage,
  CONFIG_UNKNOWN_KEY: usage,
  CONFIG_MISSING: passing,
  CONFIG_NOT_LIVE: usage,
  NETWORK_OVERLAP: usage,
  UNSUPPORTED: usage,
  // The store
  STORE_UNREACHABLE: passing,
  STORE_DENIED: passing,
  STORE_THROTTLED: passing,
  STORE_TABLE_MISSING: passing,
  STORE_TABLE_WRONG: fault,
  STORE_CONFLICT: passing,
  STORE_TIMEOUT: passing,
  RECORD_CHANGED: passing,
  // Leases
  BAD_LEASE: fault,
  LEASE_LOST: fault,
  LEASE_TAKEN: passing,
  NO_SUBNET: passing,
  SUBNET_IN_USE: fault,
  DUPLICATE_NODE_ID: fault,
  FENCED: { retry: false, exit: 4 },
  // The host
  NOT_PERMITTED: denied,
  KERNEL_REFUSED: passing,
  KERNEL_UNSUPPORTED: fault,
  LINK_MISSING: passing,
  LINK_FOREIGN: fault,
  UPLINK_NOT_FOUND: passing,
  SUBNET_FILE_UNREADABLE: passing,
  SUBNET_FILE_FOREIGN: passing,
  STATE_UNREADABLE: fault,
  INSTANCE_RUNNING: fault,
  FORWARD_DROPS: passing,
  MASQUERADE_FOREIGN: passing,
  NETWORKD_RESTART: passing,
  PROBE_UNAVAILABLE: passing,
  PROBE_KEY_REFUSED: passing,
  ACTIVITY_UNKNOWN: passing,
  PEER_UNREACHED: passing,
  NO_DAEMON: fault,
  EXTENSION_FAILED: passing,
  EXTENSION_REFUSED: usage,
  UPLINK_BEHIND_NAT: fault,
  CANNOT_LISTEN: passing,
  // The cloud
  ROUTE_TABLE_FULL: passing,
  CLOUD_DENIED: passing,
  CLOUD_CONFLICT: fault,
  CLOUD_THROTTLED: passing,
  CLOUD_NOT_FOUND: passing,
  CLOUD_REFUSED: passing,
  CLOUD_UNREACHABLE: passing,
  RECONCILER_AWAITED: passing,
  // The lab
  LAB_FAILED: fault,
  // Ourselves
  ABORTED: passing,
  INTERNAL: fault,
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

export class WeftError extends Error {
  override readonly name = 'WeftError';
  readonly code: ErrorCode;
  /** What the reader may do about it; one sentence. */
  readonly hint: string | undefined;

  /** By name: the bundle holds this class twice, once with what a start of the daemon loads and once with all else. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'WeftError' && 'code' in value;
  }

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** An error of any origin as ours; foreign ones become INTERNAL with their cause kept. */
export function asWeftError(error: unknown): WeftError {
  if (error instanceof WeftError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new WeftError('INTERNAL', message, { cause: error });
}

export function isRetryable(error: unknown): boolean {
  return error instanceof WeftError && ERROR_KINDS[error.code].retry;
}
