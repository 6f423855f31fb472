import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  advance,
  mayWriteRoutes,
  NEW_OWNER,
  nextStep,
  phaseOf,
  renumbering,
  unreadyReason,
  type Owner,
  type OwnerEvent,
} from '../../src/core/owner.ts';
import { parseSubnet } from '../../src/core/subnet.ts';

const HOUR = 3_600_000;
const TTL = 24 * HOUR;
const SUBNET = parseSubnet('10.42.7.0/24');
const POLICY = { marginMs: HOUR, backoff: { baseMs: 1000, capMs: 60_000, floorMs: 100 } };

const after = (...events: OwnerEvent[]): Owner => events.reduce(advance, NEW_OWNER);
const claimed: OwnerEvent = { kind: 'claimed', sentAt: 1000, subnet: SUBNET, epoch: 7, ttlMs: TTL };
const other = (epoch: number): OwnerEvent => ({
  kind: 'shown',
  at: 2000,
  lease: { epoch, holder: 'other', name: 'node-b' },
});

/** `held, ready, writes` and the like. */
function state(owner: Owner, now: number): string {
  const why = unreadyReason(owner, now);
  return `${phaseOf(owner, now)}, ${why ?? 'ready'}, ${mayWriteRoutes(owner, now, 10_000) ? 'writes' : 'no writes'}`;
}

describe('the owner of a lease', () => {
  it('starts without a lease: not ready, claims at once', () => {
    assert.equal(state(NEW_OWNER, 0), 'starting, no lease yet, no writes');
    assert.deepEqual(nextStep(NEW_OWNER, 0.5, POLICY), { kind: 'claim', at: 0, subnet: undefined });
  });

  it('holds it from the claim on, and renews at a third of the TTL', () => {
    const owner = after(claimed);
    assert.equal(state(owner, 2000), 'held, ready, writes');
    assert.deepEqual(nextStep(owner, 0, POLICY), { kind: 'renew', at: 1000 + TTL / 3 });
  });

  it('renews earlier when the margin asks for it, and by up to a tenth by chance', () => {
    const at = (ttlMs: number, marginMs: number, fraction: number): number => {
      const step = nextStep(after({ ...claimed, sentAt: 0, ttlMs }), fraction, { ...POLICY, marginMs });
      assert.ok(step.kind === 'renew');
      return step.at;
    };
    assert.equal(at(TTL, HOUR, 0), TTL / 3);
    assert.equal(at(TTL, 20 * HOUR, 0), 4 * HOUR);
    assert.equal(at(TTL, HOUR, 0.5), (TTL / 3) * 0.95);
    assert.equal(at(60_000, HOUR, 0), 20_000, 'a margin longer than the TTL says nothing');
  });

  it('becomes unsure when it was not renewed for the TTL, counted from when the last proof was sent', () => {
    const owner = after(claimed, { kind: 'renewed', sentAt: 5000, epoch: 7, ttlMs: TTL });
    assert.equal(state(owner, 5000 + TTL - 1), 'held, ready, no writes');
    assert.equal(
      state(owner, 5000 + TTL),
      'unsure, the lease was not renewed for 24h, longer than its TTL of 24h, no writes',
    );
    assert.equal(nextStep(owner, 0, POLICY).kind, 'renew');
    const renewed = advance(owner, { kind: 'renewed', sentAt: 6000 + TTL, epoch: 7, ttlMs: TTL });
    assert.equal(state(renewed, 6000 + TTL), 'held, ready, writes');
  });

  it('wakes up unsure from a long pause without a tick', () => {
    assert.equal(phaseOf(after(claimed), 1000 + 3 * TTL), 'unsure');
  });

  it('makes no cloud call that could outlast its lease', () => {
    const owner = after(claimed);
    assert.equal(mayWriteRoutes(owner, 1000 + TTL - 10_001, 10_000), true);
    assert.equal(mayWriteRoutes(owner, 1000 + TTL - 10_000, 10_000), false);
  });

  it('whose lease is missing from a view removes nothing: it claims the same subnet again', () => {
    const owner = after(claimed, { kind: 'shown', at: 2000, lease: undefined });
    assert.equal(state(owner, 3000), 'unsure, the store shows no lease of 10.42.7.0/24, no writes');
    assert.deepEqual(nextStep(owner, 0, POLICY), { kind: 'claim', at: 0, subnet: SUBNET });
    assert.equal(state(advance(owner, { ...claimed, sentAt: 2500, epoch: 8 }), 3000), 'held, ready, writes');
  });

  it('whose claim was under way when the doubt came up stays unsure', () => {
    const owner = after(claimed, { kind: 'shown', at: 2000, lease: undefined }, { ...claimed, sentAt: 1900 });
    assert.equal(phaseOf(owner, 3000), 'unsure');
  });

  it('is not talked out of a refused renewal by an old view', () => {
    const owner = after(
      claimed,
      { kind: 'refused', at: 2000 },
      { kind: 'shown', at: 2001, lease: { epoch: 7, holder: 'self', name: 'me' } },
    );
    assert.equal(state(owner, 3000), 'unsure, the store refused to renew the lease of 10.42.7.0/24, no writes');
    assert.equal(nextStep(owner, 0, POLICY).kind, 'claim');
  });

  it('is fenced when the store shows another owner of a later epoch, for ever', () => {
    const owner = after(claimed, other(8));
    assert.equal(state(owner, 3000), 'fenced, 10.42.7.0/24 belongs to node-b now (epoch 8, ours was 7), no writes');
    assert.equal(nextStep(owner, 0, POLICY).kind, 'stop');
    assert.equal(
      phaseOf(
        after(
          claimed,
          other(8),
          { ...claimed, sentAt: 9000, epoch: 9 },
          { kind: 'renewed', sentAt: 9000, epoch: 7, ttlMs: TTL },
        ),
        9000,
      ),
      'fenced',
    );
  });

  it('ignores a view from before its own claim', () => {
    assert.equal(state(after(claimed, other(6)), 3000), 'held, ready, writes');
  });

  it('is not fenced by a lease that names no node: a flanneld of this host may have written it', () => {
    for (const epoch of [7, 8]) {
      const owner = after(claimed, { kind: 'shown', at: 2000, lease: { epoch, holder: 'plain', name: '10.0.0.1' } });
      assert.equal(phaseOf(owner, 3000), 'unsure');
      assert.deepEqual(nextStep(owner, 0, POLICY), { kind: 'claim', at: 0, subnet: SUBNET });
    }
  });

  it('is fenced when its claim of the same subnet finds another node', () => {
    const owner = after(claimed, { kind: 'refused', at: 2000 }, { kind: 'taken', at: 2500, by: 'node-b' });
    assert.deepEqual(nextStep(owner, 0, POLICY), {
      kind: 'stop',
      how: 'fenced',
      why: '10.42.7.0/24 belongs to node-b now',
    });
  });

  it('that never held the subnet is not fenced by losing it', () => {
    const owner = after({ kind: 'taken', at: 500, by: 'node-b' });
    assert.equal(phaseOf(owner, 600), 'starting');
    assert.deepEqual(nextStep(owner, 1, POLICY), { kind: 'claim', at: 1500, subnet: undefined });
  });

  it('tries again after a pause that grows while the store is away, and stands as long as its lease does', () => {
    const once = after(claimed, { kind: 'failed', at: 10_000 });
    assert.equal(state(once, 10_000), 'held, ready, writes');
    assert.deepEqual(nextStep(once, 1, POLICY), { kind: 'renew', at: 11_000 });
    const thrice = advance(advance(once, { kind: 'failed', at: 11_000 }), { kind: 'failed', at: 13_000 });
    assert.deepEqual(nextStep(thrice, 1, POLICY), { kind: 'renew', at: 17_000 });
    const healed = advance(thrice, { kind: 'renewed', sentAt: 20_000, epoch: 7, ttlMs: TTL });
    assert.deepEqual(nextStep(healed, 0, POLICY), { kind: 'renew', at: 20_000 + TTL / 3 });
  });

  it('ignores the answer to a renewal of an earlier lease', () => {
    const owner = after(
      claimed,
      { ...claimed, epoch: 9, sentAt: 3000 },
      { kind: 'renewed', sentAt: 8000, epoch: 7, ttlMs: TTL },
    );
    assert.equal(owner.holding?.provenAt, 3000);
  });

  it('that drains is not ready, but may still withdraw its routes', () => {
    assert.equal(state(after(claimed, { kind: 'drain' }), 2000), 'draining, draining, writes');
    assert.equal(phaseOf(after(claimed, { kind: 'drain' }, other(8)), 2000), 'fenced');
  });

  it('that is sent away claims nothing any more, and writes no routes', () => {
    const owner = after(claimed, { kind: 'refused', at: 1500 }, { kind: 'sent away', why: 'terminated' });
    assert.deepEqual(nextStep(owner, 0, POLICY), { kind: 'stop', how: 'sent away', why: 'terminated' });
    assert.equal(state(owner, 2000), 'draining, draining, no writes');
  });

  it('never writes without a claim that is younger than every doubt and its TTL, whatever happened', () => {
    const at = fc.integer({ min: 0, max: 50_000 });
    const event: fc.Arbitrary<OwnerEvent> = fc.oneof(
      fc.record({
        kind: fc.constant('claimed' as const),
        sentAt: at,
        subnet: fc.constant(SUBNET),
        epoch: fc.integer({ min: 1, max: 9 }),
        ttlMs: fc.constant(20_000),
      }),
      fc.record({
        kind: fc.constant('renewed' as const),
        sentAt: at,
        epoch: fc.integer({ min: 1, max: 9 }),
        ttlMs: fc.constant(20_000),
      }),
      fc.record({ kind: fc.constant('failed' as const), at }),
      fc.record({ kind: fc.constant('refused' as const), at }),
      fc.record({ kind: fc.constant('taken' as const), by: fc.constant('node-b'), at }),
      fc.record({
        kind: fc.constant('shown' as const),
        at,
        lease: fc.option(
          fc.record({
            epoch: fc.integer({ min: 1, max: 9 }),
            holder: fc.constantFrom('self', 'plain', 'other'),
            name: fc.constant('x'),
          }),
          { nil: undefined },
        ),
      }),
      fc.constant({ kind: 'drain' as const }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 15 }), at, (events, now) => {
        const owner = events.reduce(advance, NEW_OWNER);
        const claims = events.filter((one) => one.kind === 'claimed');
        // A refusal says something only to one who holds a lease.
        const holds = events.findIndex(({ kind }) => kind === 'claimed');
        const refusals = events.flatMap((one, index) => (one.kind === 'refused' && index > holds ? [one.at] : []));
        if (mayWriteRoutes(owner, now, 1000)) {
          assert.ok(claims.some(({ sentAt }) => refusals.every((refusedAt) => sentAt >= refusedAt)));
          const proofs = events.flatMap((one) =>
            one.kind === 'claimed' || one.kind === 'renewed' ? [one.sentAt] : [],
          );
          assert.ok(proofs.some((sentAt) => sentAt + 20_000 > now + 1000));
          assert.notEqual(phaseOf(owner, now), 'fenced');
          assert.notEqual(phaseOf(owner, now), 'unsure');
        }
        assert.equal(unreadyReason(owner, now) === undefined, phaseOf(owner, now) === 'held');
      }),
      { numRuns: 1000 },
    );
  });
});

describe('renumbering', () => {
  it('waits while something on this host lives in the old subnet, unless it is allowed', () => {
    assert.deepEqual(renumbering(SUBNET, [], false), { may: true });
    assert.deepEqual(renumbering(SUBNET, ['docker0 10.42.7.1/24'], true), { may: true });
    assert.deepEqual(renumbering(SUBNET, ['docker0 10.42.7.1/24'], false), {
      may: false,
      why: '10.42.7.0/24 belongs to another node now, and is in use here: docker0 10.42.7.1/24',
    });
  });
});
