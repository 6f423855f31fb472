import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PATH_NAMES } from '../../src/core/path.ts';
import {
  ANSWER_BYTES,
  decodeProbe,
  encodeProbe,
  REQUEST_BYTES,
  type ProbeAnswer,
  type ProbeMessage,
  type Seal,
} from '../../src/core/probe-message.ts';

const sealWith =
  (key: string): Seal =>
  (bytes) =>
    createHmac('sha256', key).update(bytes).digest();
const seal = sealWith('there');

const incarnation = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const sequence = fc.integer({ min: 1, max: 0xffff_ffff });
const path = fc.constantFrom(...PATH_NAMES);
const hearing = fc.record({ sequence, ageMs: fc.integer({ min: 0, max: 0xffff_ffff }) }, { noNullPrototype: true });
const message: fc.Arbitrary<ProbeMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('request' as const),
    path,
    second: fc.boolean(),
    sender: incarnation,
    receiver: incarnation,
    sequence,
  }),
  fc
    .record({
      arrived: fc.option(path, { nil: undefined }),
      second: fc.boolean(),
      sender: incarnation,
      receiver: incarnation,
      sequence,
      listeningMs: fc.integer({ min: 0, max: 0xffff_ffff }),
      heard: fc.uniqueArray(fc.tuple(path, hearing), { selector: ([name]) => name }).map((list) => new Map(list)),
    })
    .map((rest): ProbeAnswer => ({ kind: 'answer', ...rest })),
);

const plain = (read: ProbeMessage | undefined): unknown =>
  read?.kind === 'answer' ? { ...read, heard: Object.fromEntries(read.heard) } : { ...read };

describe('probe messages', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(message, (written) => {
        assert.deepEqual(plain(decodeProbe(encodeProbe(written, seal), seal)), plain(written));
      }),
    );
  });

  it('are refused when any bit is another one', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.nat(7), (written, at, bit) => {
        const bytes = encodeProbe(written, seal);
        const place = at % bytes.length;
        bytes[place] = (bytes[place] ?? 0) ^ (1 << bit);
        assert.equal(decodeProbe(bytes, seal), undefined);
      }),
    );
  });

  it('are refused with another key, and at any other length', () => {
    fc.assert(
      fc.property(message, fc.nat(300), (written, length) => {
        const bytes = encodeProbe(written, seal);
        assert.equal(decodeProbe(bytes, sealWith('back')), undefined);
        if (length === bytes.length) return;
        const cut = new Uint8Array(length);
        cut.set(bytes.subarray(0, length));
        assert.equal(decodeProbe(cut, seal), undefined);
      }),
    );
  });

  it('take any bytes without an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.equal(decodeProbe(bytes, seal), undefined);
      }),
    );
  });

  it('make two answers no larger than their request', () => {
    assert.ok(2 * ANSWER_BYTES <= REQUEST_BYTES);
  });

  it('stand on the wire as the document says', () => {
    const request = encodeProbe(
      { kind: 'request', path: 'vxlan', second: true, sender: 5, receiver: 260, sequence: 7 },
      seal,
    );
    assert.equal(
      Buffer.from(request.subarray(0, 32)).toString('hex'),
      '5745465401010301000000000000000500000000000001040000000700000000',
    );
    const answer = encodeProbe(
      {
        kind: 'answer',
        arrived: undefined,
        second: false,
        sender: 260,
        receiver: 5,
        sequence: 7,
        listeningMs: 65_536,
        heard: new Map([['fabric', { sequence: 6, ageMs: 1000 }]]),
      },
      seal,
    );
    assert.equal(
      Buffer.from(answer.subarray(0, 48)).toString('hex'),
      '5745465401020000000000000000010400000000000000050000000700010000000000000000000000000006000003e8',
    );
  });
});
