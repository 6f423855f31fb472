/** One call, from the signed request to the answer and the line in the journal; without a socket. */
import { randomUUID } from 'node:crypto';
import { ApiError } from './api-error.ts';
import type { CallFault } from './call-faults.ts';
import type { EmulatedAws } from './cloud.ts';
import type { Credential } from './credentials.ts';
import { Ec2Error } from './ec2-error.ts';
import { EC2 } from './ec2-service.ts';
import { refusalOf } from './permissions.ts';
import { Query } from './query.ts';
import { QUOTAS } from './quota-service.ts';
import { SCALING } from './scaling-service.ts';
import type { Content, Service } from './service.ts';
import { serviceOf, verify, type SignedRequest } from './signature.ts';
import type { Result } from './xml.ts';

export interface Answer {
  readonly status: number;
  readonly content: Content;
  /** What shall become of the answer on its way. */
  readonly fault?: CallFault;
}

const SERVICES: readonly Service[] = [EC2, SCALING, QUOTAS];

/** By the scope of the signature: all services stand behind one address, where AWS has a host for each. */
const serviceFor = (request: SignedRequest): Service => SERVICES.find(({ name }) => name === serviceOf(request)) ?? EC2;

const NOTHING: Content = { type: '', text: '' };

export async function answerCall(cloud: EmulatedAws, request: SignedRequest, signal: AbortSignal): Promise<Answer> {
  const requestId = randomUUID();
  const service = serviceFor(request);
  let query = new Query('', new Map());
  let who: string | undefined;
  let fault: CallFault | undefined;
  let effect = false;
  const conclude = (outcome: string, status: number, content: Content): Answer => {
    const { action, parameters } = query;
    const mutating = service.actions[action]?.mutating ?? false;
    cloud.journal.add({
      at: new Date(cloud.now()).toISOString(),
      ...(who === undefined ? {} : { who }),
      service: service.name,
      action,
      parameters,
      mutating,
      dryRun: isDry(query),
      outcome,
      status,
      effect,
      ...(fault === undefined ? {} : { fault: fault.kind }),
    });
    return { status, content, ...(fault === undefined ? {} : { fault }) };
  };
  try {
    query = service.read(request);
    const { action } = query;
    const caller = identify(cloud, service, request);
    who = caller.who;
    fault = cloud.faults.take(action, who);
    if (fault?.kind === 'delay') await cloud.clock.sleep(fault.ms ?? 0, signal);
    if (fault?.kind === 'reset-before') return conclude('no answer', 0, NOTHING);
    if (fault?.kind === 'error') throw faultError(service, fault);
    const before = cloud.state;
    const result = perform(cloud, service, caller, query);
    effect = cloud.state !== before;
    return conclude('ok', 200, service.succeed(action, requestId, result));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return conclude(error.code, error.status, service.fail(error, requestId));
  }
}

function identify(cloud: EmulatedAws, { name, refusals }: Service, request: SignedRequest): Credential {
  const { credentials, region, settings } = cloud;
  const rules = { credentials, region, service: name, now: cloud.now(), windowMs: settings.signatureWindowMs };
  return verify(request, { ...rules, refuse: (trouble, message) => refusals.signature(trouble, message) });
}

/** In AWS's order: known, within the rate, permitted, only tried, done. */
function perform(
  cloud: EmulatedAws,
  { name: service, actions, refusals }: Service,
  caller: Credential,
  query: Query,
): Result {
  const { action, parameters } = query;
  const known = actions[action];
  if (known === undefined) throw refusals.unknown(action);
  if (cloud.settings.throttling && !cloud.throttle.take(action, known.bucket(query))) throw refusals.throttled(action);
  const refusal = refusalOf(cloud, caller, { service, action, parameters });
  if (refusal !== undefined) throw refusals.denied(refusal);
  if (service === 'ec2' && query.dryRun) {
    throw new Ec2Error('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.');
  }
  return known.run(cloud, query);
}

function faultError(
  { refusals }: Service,
  { code = 'InternalError', message = 'An internal error has occurred', status }: CallFault,
): ApiError {
  return status === undefined ? refusals.fault(code, message) : new ApiError(code, message, status);
}

const isDry = (query: Query): boolean => query.text('DryRun') === 'true';
