/**
 * A DynamoDB whose callers are looked at: a server before an emulator that takes everybody. Requests that are signed and allowed go through as they came; the others
 * hear what AWS would say. While no policy is attached to anybody, all go through. The time that answers tell is the account's, and may be set off
 * (`storeClockOffsetMs`).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ApiError } from './api-error.ts';
import type { EmulatedAws } from './cloud.ts';
import type { Credential } from './credentials.ts';
import { MOST_BYTES, type DynamoUpstream, type UpstreamAnswer } from './dynamodb-upstream.ts';
import { asRecord, readBody } from './http-body.ts';
import { dynamoDeeds, tablesOf } from './iam/dynamodb-deeds.ts';
import type { Deed } from './iam/refusal.ts';
import { refusalOfDeeds } from './permissions.ts';
import { verify, type SignatureTrouble, type SignedRequest } from './signature.ts';

/** Not listening yet: who starts it knows in which namespace. */
export function dynamoDBGate(cloud: EmulatedAws, upstream: DynamoUpstream): Server {
  return createServer((request, response) => {
    response.on('error', () => {});
    serve(cloud, upstream, request, response).catch(() => {
      // The store behind has gone: callers see it as they would see the store go.
      response.socket?.resetAndDestroy();
    });
  });
}

async function serve(
  cloud: EmulatedAws,
  upstream: DynamoUpstream,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = 'POST', url = '/', headers } = request;
  const body = await readBody(request, MOST_BYTES);
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  let answer: UpstreamAnswer;
  try {
    await admit(cloud, upstream, { method, url, headers, body });
    answer = await upstream.send(method, headers, body, gone.signal);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    answer = refusal(error);
  }
  const { connection: _, 'transfer-encoding': __, 'content-length': ___, ...rest } = answer.headers;
  const toldMs = cloud.now() + cloud.settings.storeClockOffsetMs;
  const bytes = Buffer.from(answer.body);
  response
    .writeHead(answer.status, { ...rest, date: new Date(toldMs).toUTCString(), 'content-length': bytes.length })
    .end(bytes);
}

/** @throws ApiError when it may not */
async function admit(cloud: EmulatedAws, upstream: DynamoUpstream, request: SignedRequest): Promise<void> {
  if (cloud.policies.none) return;
  const [version = '', operation = ''] = String(request.headers['x-amz-target'] ?? '').split('.');
  let caller: Credential | undefined;
  let deeds: readonly Deed[] = [];
  let refused: ApiError | undefined;
  try {
    caller = callerOf(cloud, request);
    // Streams are read by the Lambda service, with shards instead of rows: they are not judged.
    if (version.startsWith('DynamoDBStreams')) return;
    deeds = await deedsOf(cloud, upstream, operation, request.body);
    const why = refusalOfDeeds(cloud, caller, { service: 'dynamodb', action: operation, parameters: {} }, deeds);
    if (why !== undefined) throw new ApiError('AccessDeniedException', why);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    refused = error;
    throw error;
  } finally {
    cloud.storeJournal.add({
      at: new Date(cloud.now()).toISOString(),
      ...(caller === undefined ? {} : { who: caller.who }),
      service: 'dynamodb',
      action: operation,
      parameters: { needs: [...new Set(deeds.map(({ action }) => action))].join(' ') },
      mutating: /Put|Update|Delete|Write|Create/.test(operation),
      dryRun: false,
      outcome: refused?.code ?? 'passed on',
      status: refused?.status ?? 200,
      effect: refused === undefined,
    });
  }
}

async function deedsOf(
  { origin }: EmulatedAws,
  upstream: DynamoUpstream,
  operation: string,
  text: string,
): Promise<readonly Deed[]> {
  const body = parsed(text);
  const keys = new Map<string, string | undefined>();
  for (const table of tablesOf(operation, body)) keys.set(table, await upstream.keyOf(table));
  return dynamoDeeds(operation, body, (table) => keys.get(table), origin);
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return asRecord(JSON.parse(text));
  } catch (error) {
    throw new ApiError('SerializationException', error instanceof Error ? error.message : String(error));
  }
}

/** SDKs set their clock by the time that answers tell: a signature may be made by that one, or by the account's. */
function callerOf(cloud: EmulatedAws, request: SignedRequest): Credential {
  const { credentials, region, settings } = cloud;
  const offsetMs = settings.storeClockOffsetMs;
  return verify(request, {
    credentials,
    region,
    service: 'dynamodb',
    now: cloud.now() + offsetMs,
    windowMs: settings.signatureWindowMs + Math.abs(offsetMs),
    refuse: (trouble, message) => new ApiError(SIGNATURE_CODES[trouble], message),
  });
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html */
const SIGNATURE_CODES: Readonly<Record<SignatureTrouble, string>> = {
  stranger: 'UnrecognizedClientException',
  mismatch: 'InvalidSignatureException',
  late: 'InvalidSignatureException',
  ended: 'ExpiredTokenException',
};

const refusal = ({ code, message, status }: ApiError): UpstreamAnswer => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: JSON.stringify({ __type: `com.amazon.coral.service#${code}`, message }),
});
