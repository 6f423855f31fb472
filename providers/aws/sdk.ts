/** What the clients of all services have in common. The SDK tries each call once: what may be repeated, and who may repeat it, is decided by us. */
import { CLOUD_CALL_DEADLINE_MS } from '../../src/core/cloud-route.ts';
import { WeftError } from '../../src/core/errors.ts';
import { withVariable } from '../../src/core/with-variable.ts';

export interface SdkOptions {
  readonly region: string;
  /** Else AWS_ENDPOINT_URL_EC2 and its like, AWS_ENDPOINT_URL, or the region's own. */
  readonly endpoint?: string;
  readonly connectTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** `environment`: from AWS_ACCESS_KEY_ID and its like alone, as a Lambda has them; else wherever the SDK finds some, a metadata server at last. */
  readonly credentials?: 'environment';
}

/** A client, and nothing but what we call of it. */
export interface SdkConnection<Api, Client> {
  readonly api: Api;
  /** For the middleware of tests. */
  readonly client: Client;
  close(): void;
}

const QUIET = 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED';

/** The SDK warns once, at the first client, that later versions will not run on Node 20. The user cannot do anything about our choice of SDK. */
export const quietly = <T>(work: () => T): T => withVariable(process.env, QUIET, 'true', work);

/** What each client is made with. */
export const clientConfig = ({
  region,
  endpoint,
  connectTimeoutMs = 2000,
  requestTimeoutMs = 8000,
  credentials,
}: SdkOptions) => ({
  region,
  ...(endpoint === undefined ? {} : { endpoint }),
  ...(credentials === undefined ? {} : { credentials: fromEnvironment }),
  maxAttempts: 1,
  // `auto`, by AWS_DEFAULTS_MODE, asks a metadata server where it is.
  defaultsMode: 'legacy' as const,
  requestHandler: {
    connectionTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    throwOnRequestTimeout: true,
    // The request timeout ends with the answer's head; this one sees a body that stops in the middle.
    socketTimeout: requestTimeoutMs,
  },
});

/** The deadline holds for credentials and answer together. */
export const within = (signal: AbortSignal): { abortSignal: AbortSignal } => ({
  abortSignal: AbortSignal.any([signal, AbortSignal.timeout(CLOUD_CALL_DEADLINE_MS)]),
});

async function fromEnvironment() {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: sessionToken } = process.env;
  if (id === undefined || id === '' || secret === undefined || secret === '') {
    throw new WeftError('CLOUD_DENIED', 'the environment holds no credentials', {
      hint: 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY hold them in a Lambda.',
    });
  }
  return { accessKeyId: id, secretAccessKey: secret, ...(sessionToken === undefined ? {} : { sessionToken }) };
}
