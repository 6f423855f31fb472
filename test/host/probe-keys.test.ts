import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseNodeId } from '../../src/core/node-id.ts';
import { newProbeKey, pairSeals, publicProbeKey } from '../../src/host/probe-keys.ts';

const WORDS = new TextEncoder().encode('words');
const party = (name: string, privateKey: string) => ({ node: parseNodeId(name), key: publicProbeKey(privateKey) });
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

describe('the keys of probes', () => {
  const [a, b] = [newProbeKey(), newProbeKey()];
  const ours = pairSeals(a, party('a', a), party('b', b));
  const theirs = pairSeals(b, party('b', b), party('a', a));

  it('are the same at both ends, and others in each direction', () => {
    assert.equal(hex(ours?.out(WORDS)), hex(theirs?.in(WORDS)));
    assert.equal(hex(ours?.in(WORDS)), hex(theirs?.out(WORDS)));
    assert.notEqual(hex(ours?.in(WORDS)), hex(ours?.out(WORDS)));
  });

  it('are others for another node with the same key', () => {
    assert.notEqual(hex(pairSeals(a, party('a', a), party('c', b))?.out(WORDS)), hex(ours?.out(WORDS)));
  });

  it('are as the document derives them, for ever', () => {
    const alice = Buffer.from(FIXED.alice, 'hex').toString('base64url');
    const bob = Buffer.from(FIXED.bob, 'hex').toString('base64url');
    const seals = pairSeals(alice, party('alice', alice), party('bob', bob));
    assert.equal(hex(seals?.out(WORDS)), FIXED.out);
    assert.equal(hex(seals?.in(WORDS)), FIXED.in);
  });

  it('are none for a key that makes the secret known to all (RFC 7748, section 6.1)', () => {
    const zero = { node: parseNodeId('b'), key: Buffer.alloc(32).toString('base64url') };
    assert.equal(pairSeals(a, party('a', a), zero), undefined);
    assert.equal(pairSeals(a, party('a', a), { ...zero, key: 'short' }), undefined);
  });
});

/** Worked out by hand from docs/probe-format.md, HKDF step by step. */
const FIXED = {
  alice: '77076d0a7318a57d3c16c17251b26645ebdb42fb7b8a7f5b6b5a7d2c5f1f6a2a',
  bob: '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb',
  out: '1a0b94967a9833399b01952b15468f5bda51fd9bc1187bffe145f5585a15f069',
  in: '471dde986458fbe6e73b89270329456f910f16636178cd45b2772ec15d9f04f7',
};
