import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readEvent, type Here } from '../../lambda/events.ts';

const HERE: Here = {
  account: '123456789012',
  region: 'eu-central-1',
  stream: { table: 'weft', partition: 'net#default' },
  hook: 'weft-drain',
};
const INSTANCE = 'i-0123456789abcdef0';
const TOKEN = '87654321-4321-4321-4321-210987654321';

const ofAws = (source: string, type: string, detail: object, rest: object = {}): object => ({
  version: '0',
  id: '12345678-1234-1234-1234-123456789012',
  'detail-type': type,
  source,
  account: HERE.account,
  time: '2026-01-01T00:00:00Z',
  region: HERE.region,
  resources: [],
  detail,
  ...rest,
});
const state = (name: string, rest: object = {}): object =>
  ofAws('aws.ec2', 'EC2 Instance State-change Notification', { 'instance-id': INSTANCE, state: name }, rest);
const spot = (action: string): object =>
  ofAws('aws.ec2', 'EC2 Spot Instance Interruption Warning', { 'instance-id': INSTANCE, 'instance-action': action });
const lifecycle = (detail: object = {}): object =>
  ofAws('aws.autoscaling', 'EC2 Instance-terminate Lifecycle Action', {
    LifecycleActionToken: TOKEN,
    AutoScalingGroupName: 'weft nodes',
    LifecycleHookName: 'weft-drain',
    EC2InstanceId: INSTANCE,
    LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
    ...detail,
  });
const record = (row: string, rest: object = {}): object => ({
  eventName: 'INSERT',
  eventSource: 'aws:dynamodb',
  eventSourceARN: `arn:aws:dynamodb:${HERE.region}:${HERE.account}:table/weft/stream/2026-01-01T00:00:00.000`,
  awsRegion: HERE.region,
  dynamodb: {
    Keys: { PK: { S: 'net#default' }, SK: { S: 'delta#0000000000000007' } },
    NewImage: { PK: { S: 'net#default' }, SK: { S: 'delta#0000000000000007' }, row: { S: row } },
    SequenceNumber: '1',
  },
  ...rest,
});

const leavingOf = (event: object): unknown => readEvent(event, HERE).request?.leaving;
const whyOf = (event: unknown): string | undefined => readEvent(event, HERE).request?.why;
const badOf = (event: unknown, here = HERE): readonly string[] => {
  const { request, bad } = readEvent(event, here);
  assert.equal(request, undefined);
  return bad;
};

test('the clock wakes a run that looks at everything, by a rule and by a schedule', () => {
  assert.equal(whyOf(ofAws('aws.events', 'Scheduled Event', {})), 'schedule');
  assert.equal(whyOf({ source: 'aws.scheduler' }), 'schedule');
});

test('an instance that shuts down leaves; one that stops may come back', () => {
  for (const name of ['shutting-down', 'terminated'])
    assert.deepEqual(leavingOf(state(name)), [{ instance: INSTANCE, why: `its instance is ${name}`, isEnded: true }]);
  for (const name of ['pending', 'running', 'stopping', 'stopped']) assert.deepEqual(leavingOf(state(name)), []);
});

test('a Spot instance that will be ended leaves; one that will be stopped may come back', () => {
  assert.deepEqual(leavingOf(spot('terminate')), [
    { instance: INSTANCE, why: 'its Spot instance will be interrupted' },
  ]);
  for (const action of ['stop', 'hibernate']) assert.deepEqual(leavingOf(spot(action)), []);
});

test('an action of a life cycle is handed on, so that it can be completed', () => {
  const action = { group: 'weft nodes', hook: 'weft-drain', instance: INSTANCE, token: TOKEN };
  assert.deepEqual(leavingOf(lifecycle()), [{ instance: INSTANCE, why: 'its Auto Scaling group ends it', action }]);
  const named = readEvent(lifecycle({ LifecycleHookName: 'net/leave_1' }), { ...HERE, hook: 'net/leave_1' });
  assert.equal(named.request?.leaving[0]?.action?.hook, 'net/leave_1');
});

test("another tool's hook starts nothing: its machine has work to do yet, and its action is not ours to complete", () => {
  assert.deepEqual(badOf(lifecycle({ LifecycleHookName: 'ship-logs' })), [
    'the lifecycle hook is "ship-logs", and ours is "weft-drain": it is left alone',
  ]);
});

test('an action of a life cycle that is no termination, or that lacks a part, is told', () => {
  assert.deepEqual(badOf(lifecycle({ LifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING' })), [
    'the lifecycle action is no termination',
  ]);
  for (const detail of [
    { LifecycleActionToken: 'x'.repeat(36) },
    { AutoScalingGroupName: '' },
    { AutoScalingGroupName: 'a\nb' },
    { LifecycleHookName: 'a b' },
    { LifecycleHookName: undefined },
  ])
    assert.deepEqual(badOf(lifecycle(detail)), ['the event names no lifecycle action']);
});

test('an event of another account or region is told, and wakes nobody', () => {
  assert.deepEqual(badOf(state('terminated', { account: '999999999999' })), ['the event is of another account']);
  assert.deepEqual(badOf(state('terminated', { account: undefined })), ['the event is of another account']);
  assert.deepEqual(badOf(state('terminated', { region: 'us-east-1' })), ['the event is of another region']);
});

test('an instance id that is none is told', () => {
  for (const id of ['i-1', 'i-0123456789ABCDEF0', `${INSTANCE}\n`, INSTANCE + INSTANCE, 7, null, {}, '../../x'])
    assert.deepEqual(
      badOf(
        ofAws('aws.ec2', 'EC2 Spot Instance Interruption Warning', {
          'instance-id': id,
          'instance-action': 'terminate',
        }),
      ),
      ['the event names no instance'],
    );
});

test('records of leases and of the config wake one run for the whole batch', () => {
  const records = [
    record('lease#10.42.1.0-24'),
    record('record#ledger#x'),
    record('config'),
    record('lease#10.42.2.0-24'),
  ];
  assert.deepEqual(readEvent({ Records: records }, HERE), {
    request: { why: 'change', leaving: [], adopt: false, dryRun: false },
    bad: [],
  });
});

test('records that change no lease wake nobody, and are no trouble', () => {
  const other = { Keys: { PK: { S: 'net#other' }, SK: { S: 'delta#0000000000000007' } } };
  const renewal = { Keys: { PK: { S: 'net#default' }, SK: { S: 'lease#10.42.1.0-24' } } };
  const closed = {
    Keys: { PK: { S: 'net#default' }, SK: { S: 'delta#0000000000000008' } },
    NewImage: { void: { BOOL: true } },
  };
  const records = [
    record('record#ledger#rtb-1/10.42.1.0/24'),
    record('lease#x', { eventName: 'REMOVE' }),
    record('lease#x', { dynamodb: other }),
    record('lease#x', { eventName: 'MODIFY', dynamodb: renewal }),
    record('', { dynamodb: closed }),
  ];
  assert.deepEqual(badOf({ Records: records }), []);
});

test('a record that cannot be read is told, and the others count', () => {
  const bad = [
    null,
    record('lease#x', { eventSource: 'aws:sqs' }),
    record('lease#x', { eventSourceARN: 'arn:aws:dynamodb:eu-central-1:1:table/others/stream/1' }),
    record('lease#x', { dynamodb: undefined }),
    record('lease#x', { dynamodb: { Keys: { PK: { N: '1' }, SK: { S: 'x' } } } }),
    record('lease#x', { dynamodb: { Keys: { PK: { S: 'net#default' }, SK: { S: 'delta#1' } } } }),
    record('lease#x', {
      dynamodb: { Keys: { PK: { S: 'net#default' }, SK: { S: 'delta#1' } }, NewImage: { row: { N: '1' } } },
    }),
  ];
  const read = readEvent({ Records: [...bad, record('lease#10.42.1.0-24')] }, HERE);
  assert.equal(read.request?.why, 'change');
  assert.deepEqual(read.bad, [
    'record 0: is no object',
    'record 1: is not of DynamoDB',
    'record 2: is of another table',
    'record 3: has no keys',
    'record 4: has no keys of ours',
    'record 5: has no image',
    'record 6: tells of no row',
  ]);
});

test('a batch that is longer than any is read as far as one can be, and a run looks for itself', () => {
  const read = readEvent({ Records: Array.from({ length: 10_003 }, () => null) }, HERE);
  assert.equal(read.request?.why, 'change');
  assert.equal(read.bad.at(-1), 'more of the kind');
  assert.equal(read.bad[0], 'record 0: is no object');
});

test('a stream is no source of a store in etcd', () => {
  const here = { ...HERE, stream: undefined };
  assert.deepEqual(badOf({ Records: [record('config')] }, here), [
    'a stream wakes a function whose store is no DynamoDB',
  ]);
});

test('a person asks for a run, dry or with adoption', () => {
  assert.deepEqual(readEvent({ weft: { dryRun: true, adopt: true } }, HERE).request, {
    why: 'person',
    leaving: [],
    adopt: true,
    dryRun: true,
  });
  assert.deepEqual(badOf({ weft: { dryrun: true } }), ['"weft" may hold "dryRun" and "adopt", true or false']);
  assert.deepEqual(badOf({ weft: 1 }), ['"weft" is no object']);
});

test('whatever else comes is told and never thrown', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.anything(), fc.object({ key: fc.constantFrom('Records', 'source', 'detail', 'weft', 'x') })),
      (event) => {
        const { request, bad } = readEvent(event, HERE);
        assert.ok(
          request !== undefined ||
            bad.length > 0 ||
            (typeof event === 'object' && event !== null && 'Records' in event),
        );
      },
    ),
  );
});
