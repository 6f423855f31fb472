/** What reconcilers keep in `Records`, on each store: that two of them do not get into each other's way, and that the largest records fit. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readAuditRecord } from '../../src/core/audit.ts';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import type { Lease } from '../../src/core/lease.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { ApiBudget } from '../../src/reconcile/api-budget.ts';
import { AuditLog } from '../../src/reconcile/audit-log.ts';
import { ExpirySightings } from '../../src/reconcile/expiry-sightings.ts';
import { handOver } from '../../src/reconcile/handover.ts';
import { readRunState, saveRunState } from '../../src/reconcile/run-state.ts';
import { RunLock } from '../../src/reconcile/run-lock.ts';
import { Waiting } from '../../src/reconcile/waiting.ts';
import { CryptoRandom } from '../../src/system/crypto-random.ts';
import { ListLog } from '../fakes/list-log.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import type { Case } from './lease-store.ts';
import { attributes, HOUR, never, node, type StoreWorld } from './store-world.ts';

const signal = never();
const subnet = (index: number) => parseSubnet(`10.${index >> 8}.${index & 255}.0/24`);

export function runRecordsContract(storeName: string, makeWorld: () => Promise<StoreWorld>): void {
  const test: Case = (name, work) => {
    it(name, async () => {
      const world = await makeWorld();
      try {
        await work(world);
      } finally {
        await world.close();
      }
    });
  };

  /** A reconciler's process; its clock is apart from that of its store, which waits for sockets. */
  const reconciler = (world: StoreWorld, owner = 'lambda') => {
    const { records } = world.open();
    const clock = new ManualClock();
    const parts = { records, clock, random: new CryptoRandom(), log: new ListLog(), by: owner };
    return { ...parts, parts, lock: new RunLock(parts, { owner }) };
  };

  describe(`records of a run in ${storeName}`, () => {
    test('of twelve who want the lock at once one gets it, and when he is done another', async (world) => {
      const all = Array.from({ length: 12 }, () => reconciler(world));
      for (let round = 0; round < 2; round++) {
        const held = (await Promise.all(all.map(({ lock }) => lock.acquire(0, signal)))).flatMap((one) => one ?? []);
        assert.equal(held.length, 1);
        await held[0]?.release(signal);
      }
      assert.equal((await world.open().records.list('lock', signal)).records.size, 0);
    });

    test('a holder that beats keeps the lock; one that beats no more has lost it before another gets it', async (world) => {
      const [a, b] = [reconciler(world, 'a'), reconciler(world, 'b')];
      const held = await a.lock.acquire(0, signal);
      assert.ok(held !== undefined);
      for (let seconds = 0; seconds < 60; seconds += 10) {
        // Its beat is written when both its loops sleep again.
        await a.clock.untilAsleep(2);
        await Promise.all([a.clock.advance(10_000), b.clock.advance(10_000)]);
        await a.clock.untilAsleep(2);
        assert.equal(await b.lock.acquire(0, signal), undefined);
      }
      assert.equal(b.lock.holder, 'a');
      assert.ok(held.validForMs() > 0);

      await b.clock.advance(45_000);
      const second = await b.lock.acquire(0, signal);
      assert.ok(second !== undefined);
      await a.clock.advance(45_000);
      assert.equal(held.validForMs(), 0);
      await held.release(signal);
      const { records } = await b.records.list('lock', signal);
      assert.equal(Object(records.get('reconciler')?.value).owner, 'b');
      await second.release(signal);
    });

    test('of eight who draw from one budget at once none draws what another has', async (world) => {
      const rate = { perSecond: 0.5, burst: 40 };
      const all = Array.from({ length: 8 }, () => {
        const { parts, clock } = reconciler(world);
        return { clock, budget: new ApiBudget(parts, rate) };
      });
      let calls = 0;
      await Promise.all(
        all.map(async ({ clock, budget }) => {
          // Turns that were lost cost a pause; time for another call there is none.
          while (await clock.during(budget.take(1, clock.now(), signal))) calls += 1;
        }),
      );
      // Pauses between turns are time, too, on eight clocks.
      assert.ok(calls >= 40 && calls < 50, `${calls} calls`);
    });

    test('of eight who hand over at once one does', async (world) => {
      const ends = await Promise.all(
        Array.from({ length: 8 }, () => {
          const { records, clock } = world.open();
          const wish = { configured: 'reconciler', side: 'reconciler', by: 'lambda', writes: true } as const;
          return clock.during(handOver(records, { ...wish, ledger: new Map() }, signal));
        }),
      );
      assert.equal(ends.filter(({ from }) => from !== undefined).length, 1);
      assert.deepEqual(new Set(ends.map(({ writer }) => JSON.stringify(writer))).size, 1);
    });

    test('of two runs at once one goes on', async (world) => {
      const [a, b] = [reconciler(world), reconciler(world)];
      const states = await Promise.all([a, b].map(({ parts }) => readRunState(parts, 'schedule', signal)));
      const ends = await Promise.allSettled(
        states.map((state, index) => saveRunState([a, b][index]?.records ?? a.records, state, signal)),
      );
      assert.deepEqual(ends.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
      assert.equal((await readRunState(a.parts, 'event', signal)).run, 2);
    });

    test('what twenty write into the audit at one moment stands, and what is old goes', async (world) => {
      const why = 'ü'.repeat(300);
      await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const audit = new AuditLog(reconciler(world).parts, `node-${index}`);
          for (let entry = 0; entry < 30; entry++)
            await audit.add(
              { action: 'created', table: 'rtb-1', destination: subnet(entry), after: 'eni-1', why },
              signal,
            );
          await audit.flush(signal);
          assert.equal(audit.trouble, undefined);
        }),
      );
      const { clock, parts, records } = reconciler(world);
      const { records: stored } = await records.list('audit', signal);
      assert.equal([...stored.values()].flatMap(({ value }) => readAuditRecord(value).entries).length, 600);
      await clock.advance(31 * 24 * HOUR);
      await new AuditLog(parts, 'lambda').prune(signal);
      assert.equal((await records.list('audit', signal)).records.size, 0);
    });

    test('twenty thousand leases and a thousand waits fit', async (world) => {
      const { records } = world.open();
      const leases = Array.from({ length: 20_000 }, (_, index): Lease => ({
        key: leaseKeyOf({ v4: subnet(index) }),
        subnet: { v4: subnet(index) },
        attributes: attributes(node(index)),
        epoch: index,
        version: `${index}.7`,
      }));
      const now = { ageMs: 0, ttlMs: HOUR };
      const sightings = await ExpirySightings.read(records, signal);
      sightings.expired(leases, now);
      await sightings.save(signal);
      const later = await ExpirySightings.read(records, signal);
      assert.ok(later.expired(leases, { ...now, ageMs: 2 * HOUR }).size > 10_000);

      const waiting = await Waiting.read(records, { ageMs: 1e10, due: 1e6, isDue: true }, signal);
      for (let index = 0; index < 1000; index++) waiting.wait('rtb-1', subnet(index), 'unwanted');
      await waiting.save(new Set(['rtb-1']), signal);
      const next = await Waiting.read(records, { ageMs: 1e10 + 1000, due: 1e6 + 1, isDue: true }, signal);
      for (let index = 0; index < 1000; index++)
        assert.deepEqual(next.wait('rtb-1', subnet(index), 'unwanted'), { forMs: 1000, dueRuns: 2 });
    });
  });
}
