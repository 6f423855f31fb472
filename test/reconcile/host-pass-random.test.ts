/** Passes over whatever leases: the pass over all is the truth, and nothing is left to do after it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { describeHostEntry } from '../../src/core/host-entry.ts';
import type { Lease, LeaseKey } from '../../src/core/lease.ts';
import { macFrom } from '../../src/core/mac.ts';
import { lease, vxlanAt } from '../datapath/cluster.ts';
import { inputOf, MINE, passes, viewOf } from './pass-world.ts';

/** Leases that other nodes might write, clashing often: few subnets, few MACs, lengths that do not fit. */
const someLease: fc.Arbitrary<Lease> = fc
  .record({
    third: fc.integer({ min: 1, max: 9 }),
    length: fc.constantFrom(24, 24, 24, 24, 25, 23, 16),
    segment: fc.constantFrom(0, 7),
    host: fc.integer({ min: 1, max: 5 }),
    mac: fc.integer({ min: 0, max: 5 }),
    epoch: fc.integer({ min: 2, max: 6 }),
    kind: fc.constantFrom('weft', 'weft', 'weft', 'flanneld', 'bare', 'host-gw'),
  })
  .map(({ third, length, segment, host, mac, epoch, kind }) => {
    const name = mac === 0 ? 'me' : `mac ${mac}`;
    const more = {
      weft: { weft: vxlanAt(name) },
      flanneld: { backend: ['vxlan', { VNI: 1, VtepMAC: macFrom(name) }] as const },
      bare: {},
      'host-gw': { backend: ['host-gw'] as const },
    }[kind];
    return lease(`10.42.${third}.0/${length}`, `192.168.${segment}.${host}`, { ...more, epoch });
  })
  .filter(({ key }) => key !== MINE.key);

const someLeases = fc.uniqueArray(someLease, { maxLength: 12, selector: ({ key }) => key });

test('after a pass over any leases another pass finds nothing to do, whatever stood before', async () => {
  await fc.assert(
    fc.asyncProperty(someLeases, someLeases, fc.infiniteStream(fc.nat(3)), async (before, leases, dice) => {
      const { pass, host } = await passes();
      await pass(inputOf([MINE, ...before]));
      for (const key of host.kernel.standing.keys()) if (dice.next().value === 0) host.remove(key);
      const report = await pass(inputOf([MINE, ...leases]));
      assert.deepEqual(
        report.failed.map(({ change }) => (change.op === 'put' ? describeHostEntry(change.want) : '')),
        [],
      );
      const again = await pass(inputOf([MINE, ...leases]));
      assert.deepEqual(again.planned, []);
    }),
    { numRuns: 150 },
  );
});

test('passes over the leases that changed end in the same world as passes over all', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(someLeases, { minLength: 1, maxLength: 6 }), async (steps) => {
      const few = await passes();
      const all = await passes();
      let before: ReadonlyMap<LeaseKey, Lease> = new Map();
      for (const step of steps) {
        const leases = [MINE, ...step];
        const now = viewOf(leases).leases;
        const changed = new Set(
          [...before.keys(), ...now.keys()].filter((key) => before.get(key) !== now.get(key) && key !== MINE.key),
        );
        const report = await few.pass(inputOf(leases, changed));
        await all.pass(inputOf(leases));
        assert.equal(few.host.text, all.host.text, `scope ${report.scope}`);
        before = now;
      }
    }),
    { numRuns: 150 },
  );
});
