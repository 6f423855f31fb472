/** The SDK's client as we want it: short deadlines, kept connections, no retries of its own, and the store's clock read from each answer. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { withVariable } from '../../src/core/with-variable.ts';
import { regionOr } from './machine-region.ts';

export interface ClientOptions {
  readonly region?: string;
  /** Asked when neither `region`, nor AWS_REGION, nor a profile says one. Undefined: it cannot say. */
  readonly machineRegion?: () => Promise<string | undefined>;
  /** Else AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL, or the region's own. */
  readonly endpoint?: string;
  readonly connectTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
}

export interface Connection {
  readonly client: DynamoDBClient;
  /** The store's time in ms since 1970, in whole seconds, as the newest answer said (its `Date` header); undefined before the first. */
  storeTime(): number | undefined;
  close(): void;
}

const QUIET = 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED';

/** The SDK warns once, at the first client, that later versions will not run on Node 20. The user cannot do anything about our choice of SDK. */
const withoutVersionWarning = <T>(work: () => T): T => withVariable(process.env, QUIET, 'true', work);

function regionOf({ region, machineRegion }: ClientOptions): { region?: string | (() => Promise<string>) } {
  if (region !== undefined) return { region };
  if (machineRegion === undefined) return {};
  // A client that is told of none finds what variables and profiles say.
  return { region: regionOr(() => withoutVersionWarning(() => new DynamoDBClient({})).config.region(), machineRegion) };
}

export function connect(options: ClientOptions): Connection {
  const requestTimeoutMs = options.requestTimeoutMs ?? 5000;
  const client = withoutVersionWarning(
    () =>
      new DynamoDBClient({
        ...regionOf(options),
        ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
        // Ours knows which calls may be repeated, and takes time and chance from the caller.
        maxAttempts: 1,
        requestHandler: {
          connectionTimeout: options.connectTimeoutMs ?? 2000,
          requestTimeout: requestTimeoutMs,
          throwOnRequestTimeout: true,
          // The request timeout ends with the answer's head; this one sees a body that stops in the middle.
          socketTimeout: requestTimeoutMs,
        },
      }),
  );
  let storeTimeMs: number | undefined;
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { response } = result;
      if (typeof response === 'object' && response !== null && 'headers' in response)
        storeTimeMs = dateOf(response.headers) ?? storeTimeMs;
      return result;
    },
    { step: 'deserialize', priority: 'low' },
  );
  return { client, storeTime: () => storeTimeMs, close: () => client.destroy() };
}

function dateOf(headers: unknown): number | undefined {
  if (typeof headers !== 'object' || headers === null || !('date' in headers) || typeof headers.date !== 'string')
    return undefined;
  const ms = Date.parse(headers.date);
  return Number.isNaN(ms) ? undefined : ms;
}
