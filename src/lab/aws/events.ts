/**
 * What the account tells the world by itself, in the envelope that EventBridge hands to a rule's target
 * (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html). Rules and delivery are the listener's: here each event is told once, in order.
 */
import { randomUUID } from 'node:crypto';
import type { InstanceState } from './model.ts';

export interface AwsEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  /** Whole seconds, as EventBridge writes them: 2026-01-01T00:00:00Z */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Called in the middle of a change: it must not throw, and calls the account another time. */
export type EventListener = (event: AwsEvent) => void;

export interface LoggedEvent {
  /** From 1, without a gap. */
  readonly number: number;
  readonly event: AwsEvent;
}

/** What an event is about; the rest of the envelope is the account's. */
export type EventFacts = Pick<AwsEvent, 'detail-type' | 'source' | 'resources' | 'detail'>;

export interface EventOrigin {
  readonly account: string;
  readonly region: string;
  /** Milliseconds since 1970 by the account's clock. */
  now(): number;
}

/** A lab may run for days: the oldest go. */
const KEPT = 20_000;

export class Events {
  readonly #origin: EventOrigin;
  readonly #listeners = new Set<EventListener>();
  #logged: LoggedEvent[] = [];
  #count = 0;

  constructor(origin: EventOrigin) {
    this.#origin = origin;
  }

  tell({ 'detail-type': type, source, resources, detail }: EventFacts): void {
    const { account, region } = this.#origin;
    const time = new Date(this.#origin.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const event = { version: '0', id: randomUUID(), 'detail-type': type, source, account, time, region } as const;
    this.#count += 1;
    const logged = { number: this.#count, event: { ...event, resources, detail } };
    this.#logged.push(logged);
    if (this.#logged.length > KEPT) this.#logged.splice(0, KEPT / 10);
    for (const listener of this.#listeners) listener(logged.event);
  }

  /** @returns how to stop. */
  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Those behind this number; 0: all that are kept. */
  since(number: number): readonly LoggedEvent[] {
    return this.#logged.filter((it) => it.number > number);
  }
}

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html */
export const stateChange = ({ account, region }: EventOrigin, instance: string, state: InstanceState): EventFacts => ({
  'detail-type': 'EC2 Instance State-change Notification',
  source: 'aws.ec2',
  resources: [`arn:aws:ec2:${region}:${account}:instance/${instance}`],
  detail: { 'instance-id': instance, state },
});

/** Two minutes before it; the ARN has the zone in the Region's place: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html */
export const spotInterruption = (
  instance: string,
  zone: string,
  action: 'terminate' | 'stop' | 'hibernate',
): EventFacts => ({
  'detail-type': 'EC2 Spot Instance Interruption Warning',
  source: 'aws.ec2',
  resources: [`arn:aws:ec2:${zone}:instance/${instance}`],
  detail: { 'instance-id': instance, 'instance-action': action },
});

export interface TerminateAction {
  readonly group: string;
  readonly groupArn: string;
  readonly hook: string;
  readonly instance: string;
  readonly token: string;
  readonly metadata?: string;
}

/** https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html */
export const terminateAction = ({ group, groupArn, hook, instance, token, metadata }: TerminateAction): EventFacts => ({
  'detail-type': 'EC2 Instance-terminate Lifecycle Action',
  source: 'aws.autoscaling',
  resources: [groupArn],
  detail: {
    LifecycleActionToken: token,
    AutoScalingGroupName: group,
    LifecycleHookName: hook,
    EC2InstanceId: instance,
    LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
    ...(metadata === undefined ? {} : { NotificationMetadata: metadata }),
    Origin: 'AutoScalingGroup',
    Destination: 'EC2',
  },
});
