/** One call, from the signed request to the answer and the line in the journal; without a socket. */
import { randomUUID } from 'node:crypto';
import { ACTIONS } from './actions.ts';
import type { CallFault } from './call-faults.ts';
import { ACCOUNT, type EmulatedAws } from './cloud.ts';
import { Ec2Error } from './ec2-error.ts';
import { Query } from './query.ts';
import { verify, type SignedRequest } from './signature.ts';
import { answerXml, errorXml, type Result } from './xml.ts';

export interface Answer {
  readonly status: number;
  readonly xml: string;
  /** What shall become of the answer on its way. */
  readonly fault?: CallFault;
}

export async function answerCall(cloud: EmulatedAws, request: SignedRequest, signal: AbortSignal): Promise<Answer> {
  const requestId = randomUUID();
  const query = new Query(request.body);
  const { action, parameters } = query;
  let who: string | undefined;
  let fault: CallFault | undefined;
  let effect = false;
  const conclude = (outcome: string, status: number, xml: string): Answer => {
    const entry = { action, parameters, mutating: ACTIONS[action]?.mutating ?? false, dryRun: isDry(query) };
    cloud.journal.add({
      at: new Date(cloud.now()).toISOString(),
      ...(who === undefined ? {} : { who }),
      ...entry,
      outcome,
      status,
      effect,
      ...(fault === undefined ? {} : { fault: fault.kind }),
    });
    return { status, xml, ...(fault === undefined ? {} : { fault }) };
  };
  try {
    who = identify(cloud, request);
    fault = cloud.faults.take(action, who);
    if (fault?.kind === 'delay') await cloud.clock.sleep(fault.ms ?? 0, signal);
    if (fault?.kind === 'reset-before') return conclude('no answer', 0, '');
    if (fault?.kind === 'error') throw faultError(fault);
    const before = cloud.state;
    const result = perform(cloud, who, query);
    effect = cloud.state !== before;
    return conclude('ok', 200, answerXml(action, requestId, result));
  } catch (error) {
    if (!(error instanceof Ec2Error)) throw error;
    return conclude(error.code, error.status, errorXml(error.code, error.message, requestId));
  }
}

function identify(cloud: EmulatedAws, request: SignedRequest): string {
  const { credentials, region, settings } = cloud;
  const rules = { credentials, region, service: 'ec2', now: cloud.now(), windowMs: settings.signatureWindowMs };
  return verify(request, rules).who;
}

/** In AWS's order: known, within the rate, permitted, only tried, done. */
function perform(cloud: EmulatedAws, who: string, query: Query): Result {
  const { action, parameters } = query;
  const known = ACTIONS[action];
  if (known === undefined) {
    throw new Ec2Error('InvalidAction', `The action ${action} is not valid for this web service.`);
  }
  if (cloud.settings.throttling && !cloud.throttle.take(action, known.bucket(query))) {
    throw new Ec2Error(
      'RequestLimitExceeded',
      `Request limit exceeded. Account ${ACCOUNT} has been throttled on ec2:${action} because it exceeded its request rate limit.`,
    );
  }
  if (!cloud.authorizer({ who, action, parameters })) {
    throw new Ec2Error(
      'UnauthorizedOperation',
      `You are not authorized to perform this operation. User: ${who} is not authorized to perform: ec2:${action}`,
    );
  }
  if (query.dryRun) {
    throw new Ec2Error('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.');
  }
  return known.run(cloud, query);
}

function faultError({
  code = 'InternalError',
  message = 'An internal error has occurred',
  status,
}: CallFault): Ec2Error {
  return status === undefined ? new Ec2Error(code, message) : new Ec2Error(code, message, status);
}

const isDry = (query: Query): boolean => query.text('DryRun') === 'true';
