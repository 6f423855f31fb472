/** The lab's Lambda, with small functions of the test's own behind the Runtime API. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fits } from '../../../src/lab/aws/event-pattern.ts';
import { LambdaService } from '../../../src/lab/aws/lambda-service.ts';
import { wakeBySchedule } from '../../../src/lab/aws/lambda-sources.ts';
import { eventually } from '../../../src/lab/eventually.ts';
import { SystemClock } from '../../../src/system/system-clock.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

const WITHIN_MS = 60_000;

/** Counts what it was asked since its process began. */
const FUNCTION = `
let asked = 0;
export const handler = async (event, context) => {
  asked += 1;
  console.log('asked ' + asked);
  if (event.throws) throw Object.assign(new Error('no'), { name: 'Refused' });
  if (event.hangs) await new Promise(() => setInterval(() => {}, 1000));
  if (event.exits) process.exit(3);
  return { asked, id: context.awsRequestId, arn: context.invokedFunctionArn, left: context.getRemainingTimeInMillis(), word: process.env.WORD };
};
`;

describe('the lab\u2019s Lambda', () => {
  let folder: string;
  let service: LambdaService;
  let clock: ManualClock | SystemClock;

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'weft-lambda-'));
    writeFileSync(path.join(folder, 'index.mjs'), FUNCTION);
    begin(new SystemClock());
  });
  afterEach(() => {
    service.close();
    rmSync(folder, { recursive: true });
  });

  function begin(on: ManualClock | SystemClock, handler = 'index.handler'): void {
    clock = on;
    const plan = { name: 'f', account: '1', region: 'eu-central-1', environment: { WORD: 'w' }, timeoutMs: 60_000 };
    service = new LambdaService({ ...plan, folder, handler }, { clock });
  }

  const asked = async (event: unknown): Promise<unknown> => {
    const { outcome } = await service.invoke(event);
    return outcome.kind === 'answered' && typeof outcome.answer === 'object' && outcome.answer !== null
      ? { ...outcome.answer }
      : outcome;
  };
  const warmth = async (): Promise<unknown> => {
    const { coldMs } = await service.invoke({});
    return coldMs === undefined ? 'warm' : 'cold';
  };

  it('hands one event after the other to one process, with what Lambda tells of each', async () => {
    const first = await service.invoke({});
    assert.ok(first.outcome.kind === 'answered' && first.coldMs !== undefined);
    const { left, ...rest } = first.outcome.answer as { readonly left: number };
    assert.ok(left > 0 && left <= 60_000);
    assert.deepEqual(rest, {
      asked: 1,
      id: first.request,
      arn: 'arn:aws:lambda:eu-central-1:1:function:f',
      word: 'w',
    });
    assert.equal(await warmth(), 'warm');
    await eventually(
      'its lines',
      WITHIN_MS,
      () => (service.lines.length === 2 ? { found: 1 } : { missing: 'some' }),
      service.closing.signal,
    );
    assert.deepEqual(service.lines, ['asked 1', 'asked 2']);
  });

  it('tells of a handler that throws, and keeps the process', async () => {
    assert.deepEqual(await asked({ throws: true }), { kind: 'failed', type: 'Refused', message: 'no' });
    assert.equal(await warmth(), 'warm');
  });

  it('tells of a handler that cannot be loaded', async () => {
    service.close();
    begin(new SystemClock(), 'index.absent');
    assert.deepEqual(await asked({}), { kind: 'failed', type: 'Error', message: 'index.absent is no function' });
  });

  it('starts anew after a process that ended', async () => {
    assert.deepEqual(await asked({ exits: true }), { kind: 'crashed', how: 'exit code 3' });
    assert.equal(await warmth(), 'cold');
  });

  it('kills a process at its time limit, and starts anew', async () => {
    service.close();
    const manual = new ManualClock();
    begin(manual);
    const hanging = service.invoke({ hangs: true });
    // It has been handed the event: the time limit is slept for.
    await manual.untilAsleep();
    await manual.advance(60_000);
    assert.deepEqual((await hanging).outcome, { kind: 'timed out' });
    assert.equal(await warmth(), 'cold');
  });

  it('refuses a caller who waits while another event is at work', async () => {
    const first = service.invoke({});
    await assert.rejects(service.invoke({}), /TooManyRequestsException/);
    assert.equal((await first).outcome.kind, 'answered');
  });

  it('tries an event three times that nobody waits for, a minute and two minutes later', async () => {
    service.close();
    const manual = new ManualClock();
    begin(manual);
    const sent = service.send({ throws: true });
    const times: number[] = [];
    for (const [waits, ms] of [
      [1, 60_000],
      [2, 120_000],
    ] as const) {
      await eventually(
        'a try',
        WITHIN_MS,
        () =>
          service.invocations.length === waits && manual.asleep === 1
            ? { found: 1 }
            : { missing: `${service.invocations.length}` },
        service.closing.signal,
      );
      times.push(manual.now());
      await manual.advance(ms);
    }
    await sent;
    times.push(manual.now());
    assert.deepEqual(times, [0, 60_000, 180_000]);
    assert.deepEqual(
      service.invocations.map(({ attempt }) => attempt),
      [1, 2, 3],
    );
    assert.deepEqual(service.dead, [{ throws: true }]);
  });

  it('is woken by the clock', async () => {
    service.close();
    const manual = new ManualClock();
    begin(manual);
    void wakeBySchedule(service, 60_000);
    for (const runs of [1, 2, 3]) {
      await eventually(
        'a run',
        WITHIN_MS,
        () => (service.invocations.length === runs ? { found: 1 } : { missing: `${service.invocations.length}` }),
        service.closing.signal,
      );
      await manual.advance(60_000);
    }
    assert.ok(service.invocations.every(({ event }) => fits({ source: ['aws.events'] }, event)));
  });
});

describe('a pattern of events', () => {
  const event = { source: 'aws.ec2', detail: { state: 'terminated', size: 1 } };

  it('fits when every member has one of the texts, or begins with one', () => {
    assert.ok(fits({}, event));
    assert.ok(fits({ source: ['aws.ec2'], detail: { state: ['stopped', 'terminated'] } }, event));
    assert.ok(fits({ detail: { state: [{ prefix: 'term' }] } }, event));
  });

  it('does not fit what lacks a member or has another value', () => {
    assert.ok(!fits({ source: ['aws.s3'] }, event));
    assert.ok(!fits({ detail: { reason: ['x'] } }, event));
    assert.ok(!fits({ detail: { size: [{ prefix: '1' }] } }, event));
    assert.ok(!fits({ detail: { state: ['terminated'] } }, 'text'));
  });
});
