/** The reconciler as a Lambda function: one run for each event that is worth one. */
import { networkPartition } from '../providers/dynamodb/sort-keys.ts';
import { parseUrl } from '../providers/dynamodb/url.ts';
import type { LeaseStore } from '../src/contracts/lease-store.ts';
import { asWeftError, isRetryable, WeftError } from '../src/core/errors.ts';
import { Reconciler } from '../src/reconcile/reconciler.ts';
import type { RunReport, RunRequest } from '../src/reconcile/reconciler-parts.ts';
import { CryptoRandom } from '../src/system/crypto-random.ts';
import { SystemClock } from '../src/system/system-clock.ts';
import { readEvent, type Here } from './events.ts';
import { LambdaLog, type RequestLog } from './lambda-log.ts';
import { METRIC_NAMESPACE } from './metric-names.ts';
import { KnownMachines } from './known-machines.ts';
import { mayWaitForSenders } from './lingering.ts';
import { openSeams, type TimeAndChance } from './open-seams.ts';
import { PastEvents } from './past-events.ts';
import { answerOf, type RunAnswer } from './run-answer.ts';
import { metricLines, toldBy, toldOfBadEvents, toldOfNone, type Told } from './run-metrics.ts';
import { readSettings, type Environment, type LambdaSettings } from './settings.ts';
import { Troubles } from './troubles.ts';

/** What Lambda tells of an invocation, as far as we ask (https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html). */
export interface LambdaContext {
  readonly awsRequestId: string;
  readonly invokedFunctionArn: string;
  getRemainingTimeInMillis(): number;
}

export interface LambdaSeams extends TimeAndChance {
  readonly log: RequestLog;
  /** Takes a line of the embedded metric format: CloudWatch reads them on stdout. */
  print(line: string): void;
}

export type Handler = (event: unknown, context: LambdaContext) => Promise<RunAnswer>;

/** Left of the time limit when a run must have ended by itself, with all that it needs behind its last call. */
const MARGIN_MS = 3000;
/** Left when it is ended: its metrics are still told. */
const LAST_MS = 1000;

export function makeHandler(environment: Environment, given: Partial<LambdaSeams> = {}): Handler {
  const functionName = environment['AWS_LAMBDA_FUNCTION_NAME'] ?? 'lambda';
  const seams: LambdaSeams = {
    clock: given.clock ?? new SystemClock(),
    random: given.random ?? new CryptoRandom(),
    log: given.log ?? new LambdaLog(functionName),
    print: given.print ?? ((line) => void process.stdout.write(`${line}\n`)),
  };
  const { log, clock } = seams;
  const troubles = new Troubles(log);
  const past = new PastEvents(clock);
  let warm: Warm | undefined;
  let machines: KnownMachines | undefined;
  return async (event, context) => {
    const beganMs = clock.now();
    const seconds = (): number => (clock.now() - beganMs) / 1000;
    log.begin(context.awsRequestId);
    let bad: readonly string[] = [];
    let request: RunRequest | undefined;
    let ending: AbortSignal | undefined;
    const tell = (told: Told): void => {
      const { metricsNamespace = METRIC_NAMESPACE } = warm?.settings ?? {};
      for (const line of metricLines(told, metricsNamespace, functionName)) seams.print(line);
    };
    try {
      warm ??= await wake(environment, seams);
      const read = readEvent(event, hereOf(warm.settings, context));
      bad = read.bad;
      for (const why of new Set(bad)) log.warn({ why }, 'an event could not be used');
      if (read.request === undefined) {
        if (bad.length > 0) tell(toldOfBadEvents(bad.length));
        return { how: 'ignored', bad };
      }
      const leftMs = context.getRemainingTimeInMillis();
      const mayLinger = mayWaitForSenders(read.request, event, clock);
      request = { ...read.request, mayLinger, untilMs: beganMs + leftMs - MARGIN_MS };
      ending = AbortSignal.timeout(Math.max(0, leftMs - LAST_MS));
      machines ??= new KnownMachines(warm.store, clock);
      if (read.about !== undefined) {
        // Of a machine that leaves a run must be told: it may see less of it than the event says.
        if (request.leaving.length === 0 && past.has(event)) return { how: 'ignored', bad };
        if (!(await machines.has(read.about, ending))) return { how: 'ignored', bad };
      }
      machines.forget();
      const isPast = past.runBegins();
      const report = await warm.reconciler.run(request, ending);
      if (report.how === 'done' && !request.dryRun) isPast();
      // One that only looks proves nothing: neither that runs are good, nor that a call is allowed.
      if (!request.dryRun) {
        troubles.told(report);
        tell(toldBy(report, seconds(), bad.length));
      }
      log.info(
        { why: request.why, durationMs: Math.round(seconds() * 1000), count: report.calls },
        `run ${report.how}`,
      );
      mayBeLost(request, report);
      return answerOf(request, report, bad);
    } catch (error) {
      const known = asWeftError(error);
      const cut = ending?.aborted === true && known.code === 'ABORTED';
      if (cut) log.warn({ durationMs: Math.round(seconds() * 1000) }, 'the run had no time left');
      else log.error({ error, code: known.code }, 'the run ended with an error');
      tell(toldOfNone(cut ? 'CutRuns' : 'Errors', seconds(), bad.length));
      if (worthAnotherTry(request, known)) throw error;
      if (cut) return { how: 'out of time', bad };
      return { how: 'failed', error: { code: known.code, message: known.message }, bad };
    }
  };
}

interface Warm {
  readonly settings: LambdaSettings;
  readonly store: LeaseStore;
  readonly reconciler: Reconciler;
}

async function wake(environment: Environment, { clock, random, log }: LambdaSeams): Promise<Warm> {
  const settings = readSettings(environment);
  log.level = settings.logLevel;
  const { functionName: name, networks, nodeTag, rate, hook } = settings;
  const parts = { ...(await openSeams(settings, { clock, random })), clock, random, log };
  return { settings, store: parts.store, reconciler: new Reconciler(parts, { name, networks, nodeTag, rate, hook }) };
}

/** arn:aws:lambda:REGION:ACCOUNT:function:NAME */
function hereOf({ store, region, hook }: LambdaSettings, { invokedFunctionArn }: LambdaContext): Here {
  const [, , , , account = ''] = invokedFunctionArn.split(':');
  if (store.startsWith('etcd:')) return { account, region, stream: undefined, hook };
  const { table, network } = parseUrl(store);
  return { account, region, stream: { table, partition: networkPartition(network) }, hook };
}

/** Who is on his way out is told by this one event. Nobody has written it down when the run did not begin. */
function mayBeLost({ leaving }: RunRequest, { how }: RunReport): void {
  if (how === 'busy' && leaving.length > 0)
    throw new WeftError(
      'STORE_CONFLICT',
      `another run is at work, and nobody has noted that ${leaving[0]?.instance} leaves`,
    );
}

/** Lambda tries again when an event ends with an error. The schedule comes again anyway, a person sees the answer, and settings do not mend themselves. */
const worthAnotherTry = (request: RunRequest | undefined, error: WeftError): boolean =>
  isRetryable(error) && (request?.why === 'event' || request?.why === 'change');

export const handler = makeHandler(process.env);
