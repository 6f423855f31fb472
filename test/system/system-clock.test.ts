import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SystemClock } from '../../src/system/system-clock.ts';

/** A host whose two clocks are set by hand. The uptime comes in steps of 10 ms, as in /proc/uptime. */
class HandSetHost {
  monotonic = 5_000.25;
  suspended = 0;

  monotonicMs = (): number => this.monotonic;
  uptimeMs = (): number => Math.floor((60_000 + this.monotonic + this.suspended) / 10) * 10;
  wallMs = (): number => 1_700_000_000_000;
}

const never = new AbortController().signal;

describe('the system clock', () => {
  it('has the resolution of the monotonic clock and starts at the uptime', () => {
    const host = new HandSetHost();
    const clock = new SystemClock(host);
    const before = clock.now();
    host.monotonic += 0.5;
    assert.equal(clock.now() - before, 0.5);
    assert.ok(Math.abs(before - host.uptimeMs()) < 10);
  });

  it('does not run back or jump with the steps of the uptime', () => {
    const host = new HandSetHost();
    const clock = new SystemClock(host);
    const start = clock.now();
    for (let step = 1; step <= 1000; step++) {
      host.monotonic += 0.7;
      assert.ok(Math.abs(clock.now() - start - 0.7 * step) < 1e-6);
    }
  });

  it('goes on by the time that the host was suspended', () => {
    const host = new HandSetHost();
    const clock = new SystemClock(host);
    const before = clock.now();
    host.suspended += 3_600_000;
    host.monotonic += 1;
    const slept = clock.now() - before;
    assert.ok(Math.abs(slept - 3_600_001) <= 10, `counted ${slept}`);
  });

  it('asks for the uptime once a millisecond at most, however often it is read', () => {
    const host = new HandSetHost();
    let asked = 0;
    const { monotonicMs, wallMs } = host;
    const clock = new SystemClock({ monotonicMs, wallMs, uptimeMs: () => ((asked += 1), host.uptimeMs()) });
    for (let read = 0; read < 1000; read++) {
      host.monotonic += 0.01;
      clock.now();
    }
    assert.ok(asked <= 12, `${asked} times in 10 ms`);
  });

  it('keeps counting from there', () => {
    const host = new HandSetHost();
    const clock = new SystemClock(host);
    host.suspended += 60_000;
    const after = clock.now();
    host.monotonic += 100;
    assert.equal(Math.round((clock.now() - after) * 1000), 100_000);
  });

  it('ends a sleep when the signal fires, with code ABORTED', async () => {
    const clock = new SystemClock();
    const stop = new AbortController();
    const sleep = clock.sleep(3_600_000, stop.signal);
    stop.abort();
    await assert.rejects(sleep, { code: 'ABORTED' });
  });

  it('does not begin a sleep after the signal has fired', async () => {
    await assert.rejects(new SystemClock().sleep(0, AbortSignal.abort()), { code: 'ABORTED' });
  });

  it('does not end a sleep before its time', async () => {
    const clock = new SystemClock();
    const before = clock.now();
    await clock.sleep(15, never);
    assert.ok(clock.now() - before >= 15);
  });
});
