/**
 * What woke the function. An event says which machines are on their way out, and else only "look": what is there the run sees for itself.
 * Whoever may invoke the function can write anything here: every member is looked at before it is believed.
 *
 *   {"source": "aws.events" | "aws.scheduler", ...}                              by the clock
 *   {"source": "aws.ec2", "detail-type": ..., "detail": {"instance-id": ...}}    an instance changes its state, or will be interrupted
 *   {"source": "aws.autoscaling", "detail": {"LifecycleActionToken": ...}}       a group holds up an instance's end
 *   {"Records": [{"eventSource": "aws:dynamodb", ...}]}                          the table's stream
 *   {"weft": {"dryRun": true, "adopt": false}}                                   a person
 */
import { isJsonObject, type JsonObject } from '../src/core/json.ts';
import { isLifecycleHook } from '../src/core/lifecycle-hook.ts';
import type { Leaving, RunRequest } from '../src/reconcile/reconciler-parts.ts';
import { readRecords, type Watched } from './stream-records.ts';

/** Where the function stands. */
export interface Here {
  readonly account: string;
  readonly region: string;
  /** Of a store in etcd: none. */
  readonly stream: Watched | undefined;
  /** Name of the lifecycle hook that is ours. */
  readonly hook: string;
}

export interface Wake {
  /** Undefined: nothing of this concerns the network. */
  readonly request: Pick<RunRequest, 'why' | 'leaving' | 'adopt' | 'dryRun'> | undefined;
  /** The one machine that it is about: the run is of use only when the network knows it. */
  readonly about?: string;
  /** What could not be read or is not for us, one reason each. */
  readonly bad: readonly string[];
}

const INSTANCE = /^i-([0-9a-f]{8}|[0-9a-f]{17})$/;
/** https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CompleteLifecycleAction.html */
const GROUP = /^[^\p{Cc}]{1,255}$/u;
const TOKEN = /^[0-9a-f-]{36}$/i;

export function readEvent(event: unknown, here: Here): Wake {
  if (!isJsonObject(event)) return bad('the event is no object');
  if (event['Records'] !== undefined) return ofStream(event['Records'], here);
  if (event['weft'] !== undefined) return ofPerson(event['weft']);
  const { source, account, region } = event;
  if (source === 'aws.events' || source === 'aws.scheduler') return look('schedule');
  if (account !== here.account) return bad('the event is of another account');
  if (region !== here.region) return bad('the event is of another region');
  const { 'detail-type': type, detail } = event;
  if (!isJsonObject(detail)) return bad('the event has no "detail"');
  if (source === 'aws.ec2' && type === 'EC2 Instance State-change Notification') return ofState(detail);
  if (source === 'aws.ec2' && type === 'EC2 Spot Instance Interruption Warning') return ofInterruption(detail);
  if (source === 'aws.autoscaling' && type === 'EC2 Instance-terminate Lifecycle Action')
    return ofLifecycle(detail, here);
  return bad('the event is of a kind that nobody asked for');
}

const bad = (...reasons: readonly string[]): Wake => ({ request: undefined, bad: reasons });

const look = (why: RunRequest['why'], ...leaving: readonly Leaving[]): Wake => ({
  request: { why, leaving, adopt: false, dryRun: false },
  bad: [],
});

/** `stopping` and `stopped` too are no more than a reason to look: the instance may come back, and its lease waits for it. */
function ofState({ 'instance-id': instance, state }: JsonObject): Wake {
  if (!matches(instance, INSTANCE) || typeof state !== 'string') return bad('the event names no instance and state');
  if (state === 'shutting-down' || state === 'terminated')
    return { ...look('event', { instance, why: `its instance is ${state}`, isEnded: true }), about: instance };
  return { ...look('event'), about: instance };
}

function ofInterruption({ 'instance-id': instance, 'instance-action': action }: JsonObject): Wake {
  if (!matches(instance, INSTANCE)) return bad('the event names no instance');
  // stop and hibernate: as above.
  if (action !== 'terminate') return { ...look('event'), about: instance };
  return { ...look('event', { instance, why: 'its Spot instance will be interrupted' }), about: instance };
}

/**
 * Of our own hook alone. What another tool's hook says is true, and yet it starts nothing: that tool holds the machine up, for as long as two days, because it
 * still has work for it, and a drain ends with the lease: containers there would be cut off in the middle of that work. Nothing is lost by waiting: a group
 * with our hook tells us of it in the same moment, and of one without it EC2 tells when the machine really goes (`shutting-down`).
 */
function ofLifecycle(detail: JsonObject, here: Pick<Here, 'hook'>): Wake {
  const {
    EC2InstanceId: instance,
    AutoScalingGroupName: group,
    LifecycleHookName: hook,
    LifecycleActionToken: token,
    LifecycleTransition: transition,
  } = detail;
  if (!matches(instance, INSTANCE)) return bad('the event names no instance');
  if (!matches(group, GROUP) || typeof hook !== 'string' || !isLifecycleHook(hook) || !matches(token, TOKEN))
    return bad('the event names no lifecycle action');
  if (transition !== 'autoscaling:EC2_INSTANCE_TERMINATING') return bad('the lifecycle action is no termination');
  if (hook !== here.hook) return bad(`the lifecycle hook is "${hook}", and ours is "${here.hook}": it is left alone`);
  const why = 'its Auto Scaling group ends it';
  return look('event', { instance, why, action: { group, hook, instance, token } });
}

function ofStream(records: unknown, { stream }: Here): Wake {
  if (!Array.isArray(records)) return bad('"Records" is no list');
  if (stream === undefined) return bad('a stream wakes a function whose store is no DynamoDB');
  const read = readRecords(records, stream);
  return { request: read.changed ? look('change').request : undefined, bad: read.bad };
}

function ofPerson(wish: unknown): Wake {
  if (!isJsonObject(wish)) return bad('"weft" is no object');
  const { dryRun = false, adopt = false, ...rest } = wish;
  if (typeof dryRun !== 'boolean' || typeof adopt !== 'boolean' || Object.keys(rest).length > 0)
    return bad('"weft" may hold "dryRun" and "adopt", true or false');
  return { request: { why: 'person', leaving: [], adopt, dryRun }, bad: [] };
}

const matches = (value: unknown, form: RegExp): value is string => typeof value === 'string' && form.test(value);
