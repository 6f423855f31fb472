import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { PathName } from '../../src/core/path.ts';
import type { Hearing } from '../../src/core/probe-message.ts';
import { addSent, settleByAnswer, settleByTime, type SentProbe, type Told } from '../../src/core/probe-verdict.ts';

const sent = (sequence: number, path: PathName, sentAtMs: number, unsent?: string): SentProbe => ({
  sequence,
  path,
  sentAtMs,
  ...(unsent === undefined ? {} : { unsent }),
});
const answer = (sequence: number, arrived: PathName | undefined, heard: Partial<Record<PathName, number>>): Told => ({
  sequence,
  arrived,
  second: false,
  listeningMs: Infinity,
  heard: new Map(
    Object.entries(heard).map(([path, last]): [PathName, Hearing] => [path as PathName, { sequence: last, ageMs: 1 }]),
  ),
});

describe('what became of a request', () => {
  it('was heard, when its own answer comes: with the round trip when that came the same way', () => {
    const waiting = [sent(1, 'fabric', 1000)];
    assert.deepEqual(settleByAnswer(waiting, answer(1, 'fabric', { fabric: 1 }), 1007), {
      waiting: [],
      settled: [{ path: 'fabric', verdict: 'heard', rttMs: 7 }],
    });
    const second = { ...answer(1, 'fabric', { fabric: 1 }), second: true };
    assert.deepEqual(settleByAnswer(waiting, second, 1007)?.settled, [{ path: 'fabric', verdict: 'heard' }]);
  });

  it('was missed, when an answer to a later request on another path says so; and heard, when that says so', () => {
    const waiting = [sent(1, 'fabric', 0), sent(2, 'direct', 1), sent(3, 'vxlan', 1000)];
    assert.deepEqual(settleByAnswer(waiting, answer(3, 'vxlan', { vxlan: 3, direct: 2 }), 1005)?.settled, [
      { path: 'fabric', verdict: 'missed', why: 'the peer did not hear it' },
      { path: 'direct', verdict: 'heard' },
      { path: 'vxlan', verdict: 'heard', rttMs: 5 },
    ]);
  });

  it('is open still, when the later request was sent less than half a second after it: it may be on its way', () => {
    const waiting = [sent(1, 'fabric', 600), sent(2, 'vxlan', 1000)];
    const settled = settleByAnswer(waiting, answer(2, 'vxlan', { vxlan: 2 }), 1005);
    assert.deepEqual(settled?.waiting, [sent(1, 'fabric', 600)]);
  });

  it('was missed, when it arrived by another path than it was sent on', () => {
    const settled = settleByAnswer([sent(4, 'fabric', 0)], answer(4, undefined, {}), 3)?.settled;
    assert.deepEqual(settled, [{ path: 'fabric', verdict: 'missed', why: 'the request arrived by another way' }]);
  });

  it('says nothing when the peer has begun to listen only after it was sent', () => {
    const waiting = [sent(1, 'fabric', 0), sent(2, 'direct', 200), sent(3, 'vxlan', 1000)];
    const told = { ...answer(3, 'vxlan', { vxlan: 3 }), listeningMs: 850 };
    assert.deepEqual(
      settleByAnswer(waiting, told, 1005)?.settled.map(({ path, verdict }) => `${path} ${verdict}`),
      ['fabric silent', 'direct missed', 'vxlan heard'],
    );
  });

  it('keeps the kernel’s reason, when it could not be sent', () => {
    const waiting = [sent(1, 'fabric', 0, 'ENETUNREACH'), sent(2, 'vxlan', 1000)];
    assert.deepEqual(settleByAnswer(waiting, answer(2, 'vxlan', { vxlan: 2 }), 1005)?.settled[0], {
      path: 'fabric',
      verdict: 'missed',
      why: 'ENETUNREACH',
    });
  });

  it('is not told by silence', () => {
    const waiting = [sent(1, 'fabric', 0), sent(2, 'vxlan', 900)];
    assert.deepEqual(settleByTime(waiting, 1499), { waiting, settled: [] });
    assert.deepEqual(settleByTime(waiting, 1500), {
      waiting: [{ ...sent(1, 'fabric', 0), isGivenUp: true }, sent(2, 'vxlan', 900)],
      settled: [{ path: 'fabric', verdict: 'silent' }],
    });
  });

  it('is told late, where requests are so rare that only the answer to the next one says it', () => {
    const over = settleByTime([sent(1, 'fabric', 0), sent(2, 'fabric', 20)], 2000);
    assert.deepEqual(
      over.settled.map(({ verdict }) => verdict),
      ['silent', 'silent'],
    );
    const waiting = addSent(over.waiting, sent(3, 'vxlan', 5000));
    const settled = (heard: number, listeningMs: number): readonly string[] | undefined =>
      settleByAnswer(waiting, { ...answer(3, 'vxlan', { vxlan: 3, fabric: heard }), listeningMs }, 5005)?.settled.map(
        ({ path, verdict, isLate }) => `${path} ${verdict}${isLate === true ? ' late' : ''}`,
      );
    assert.deepEqual(settled(1, Infinity), ['fabric missed late', 'vxlan heard']);
    assert.deepEqual(settled(2, Infinity), ['fabric heard late', 'vxlan heard']);
    assert.deepEqual(settled(0, 3000), ['vxlan heard']);
    assert.deepEqual(settleByTime(over.waiting, 9000).settled, []);
  });

  it('is told once: copies of an answer, and recorded ones, change nothing', () => {
    const told = answer(1, 'fabric', { fabric: 1 });
    const first = settleByAnswer([sent(1, 'fabric', 0)], told, 5);
    assert.equal(settleByAnswer(first?.waiting ?? [], told, 6), undefined);
  });

  it('is told for every request exactly once, whatever comes in whatever order', () => {
    const paths = fc.constantFrom<PathName>('fabric', 'vxlan', 'udp');
    const step = fc.record({ path: paths, wait: fc.nat(900), answers: fc.boolean(), last: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let waiting: readonly SentProbe[] = [];
        let nowMs = 0;
        let told = 0;
        for (const [at, { path, wait, answers, last }] of steps.entries()) {
          nowMs += wait;
          waiting = addSent(waiting, sent(at + 1, path, nowMs));
          const settled = answers ? settleByAnswer(waiting, answer(at + 1, path, { [path]: last }), nowMs) : undefined;
          waiting = settled?.waiting ?? waiting;
          const over = settleByTime(waiting, nowMs);
          waiting = over.waiting;
          told += [...(settled?.settled ?? []), ...over.settled].filter(({ isLate }) => isLate !== true).length;
        }
        const rest = settleByTime(waiting, nowMs + 10_000);
        assert.equal(told + rest.settled.length, steps.length);
      }),
    );
  });
});
