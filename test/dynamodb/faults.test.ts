/** Throttling, broken connections and lost answers at each call of each operation: it ends as if nothing had been, or says what happened. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { RecordKind } from '../../src/contracts/records.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { Lease } from '../../src/core/lease.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { attributes, HOUR, MINUTE, never, node, viewText, Watcher, wish } from '../contract/store-world.ts';
import type { DynamoPeer } from './dynamodb-world.ts';
import { FAULTS, type FaultProxy } from './fault-proxy.ts';
import { describeOnDynamoDB } from './ground.ts';

const signal = never();
const [a, b] = [node('a'), node('b')];

interface Operation {
  /** Makes what the operation needs, without faults; yields the lease it is about. */
  readonly prepare?: (peer: DynamoPeer) => Promise<Lease | undefined>;
  readonly run: (peer: DynamoPeer, lease: Lease) => Promise<unknown>;
}

const leased = async ({ store }: DynamoPeer): Promise<Lease> => (await store.claim(wish(a), signal)).lease;
const recorded =
  (kind: RecordKind) =>
  async ({ records }: DynamoPeer): Promise<undefined> => {
    await records.put(kind, 'k', 1, 'absent', signal);
  };

async function firstView(peer: DynamoPeer): Promise<string[]> {
  const watcher = new Watcher(peer);
  const { view } = await watcher.next();
  await watcher.stop();
  return viewText(view);
}

/** What ends the same, whatever happens on the way. `add` is not among them: see below. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  'reading the config': { run: ({ store }) => store.config(signal) },
  'writing the config': { run: ({ store }) => store.writeConfig('{}', 'absent', signal) },
  'a first claim': { run: ({ store }) => store.claim(wish(a, { previous: parseSubnet('10.42.9.0/24') }), signal) },
  'a claim of the own lease': { prepare: leased, run: ({ store }) => store.claim(wish(a, { incarnation: 2 }), signal) },
  'a restart': {
    prepare: leased,
    run: ({ store }, lease) => store.claim(wish(a, { incarnation: 2, previous: lease.subnet.v4 }), signal),
  },
  'a renewal': { prepare: leased, run: ({ store }, lease) => store.renew(lease, attributes(a), HOUR, signal) },
  'a renewal with changes': {
    prepare: leased,
    run: ({ store }, lease) => store.renew(lease, attributes(a, 2), HOUR, signal),
  },
  'a release': { prepare: leased, run: ({ store }, lease) => store.release(lease, signal) },
  'writing a record': { run: ({ records }) => records.put('ledger', 'k', 1, 'absent', signal) },
  'writing a quiet record': { run: ({ records }) => records.put('lock', 'k', 1, 'absent', signal) },
  'removing a record': {
    prepare: recorded('ledger'),
    run: ({ records }) => records.remove('ledger', 'k', undefined, signal),
  },
  'removing a quiet record': {
    prepare: recorded('lock'),
    run: ({ records }) => records.remove('lock', 'k', undefined, signal),
  },
  'listing records': { prepare: recorded('ledger'), run: ({ records }) => records.list('ledger', signal) },
  'a snapshot': { prepare: leased, run: (peer) => peer.writeSnapshot(signal) },
};
const WATCHING: Operation = { prepare: leased, run: firstView };

/** Where a call is never answered it is waited for; what comes later than this for another reason is asked for again, and nothing is the worse for it. */
const STALLED_MS = 150;
/** Where each call is answered, or breaks: longer than anything takes. */
const PATIENT_MS = 20_000;

/** A fault that goes on: one of each sort will do. */
const LASTING = {
  throttled: 'STORE_THROTTLED',
  'reset before': 'STORE_UNREACHABLE',
  'reset after': 'STORE_UNREACHABLE',
  cut: 'STORE_UNREACHABLE',
} as const;

describeOnDynamoDB('a DynamoDB that fails', (ground) => {
  /** All that stands in the end, without numbers that differ from run to run. */
  async function standing(direct: DynamoPeer): Promise<string[]> {
    const watcher = new Watcher(direct);
    const { view } = await watcher.next();
    await watcher.stop();
    const lists = await Promise.all((['ledger', 'lock'] as const).map((kind) => direct.records.list(kind, signal)));
    const leases = [...view.leases.values()].map(
      ({ key, attributes: { weft } }) => `${key} ${weft?.node} ${weft?.incarnation}`,
    );
    return [
      ...leases,
      view.config?.text ?? '',
      ...lists.flatMap(({ records }) =>
        [...records.values()].map(({ key, value }) => `${key} ${JSON.stringify(value)}`),
      ),
    ];
  }

  async function trial(
    operation: Operation,
    fault: FaultProxy['fault'],
    requestTimeoutMs = PATIENT_MS,
  ): Promise<{ calls: number; stands: string[]; error: unknown }> {
    const { proxy } = ground();
    const world = await ground().makeWorld();
    try {
      const direct = world.open();
      const lease = await operation.prepare?.(direct);
      const peer = world.open('', { endpoint: proxy.endpoint, requestTimeoutMs });
      proxy.fault = fault;
      proxy.calls = [];
      const error = await peer.clock.during(operation.run(peer, lease as Lease)).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      const calls = proxy.calls.length;
      proxy.fault = () => undefined;
      return { calls, stands: await standing(direct), error };
    } finally {
      await world.close();
    }
  }

  for (const [name, operation] of Object.entries({ ...OPERATIONS, 'a first view': WATCHING })) {
    it(`${name} gets over each fault at each of its calls`, async () => {
      const clean = await trial(operation, () => undefined);
      assert.equal(clean.error, undefined);
      assert.ok(clean.calls > 0);
      for (const fault of FAULTS) {
        for (let spoiled = 0; spoiled < clean.calls; spoiled++) {
          const { stands, error } = await trial(
            operation,
            ({ number }) => (number === spoiled ? fault : undefined),
            fault === 'stalled' ? STALLED_MS : PATIENT_MS,
          );
          assert.equal(error, undefined, `${fault} at call ${spoiled}: ${String(error)}`);
          assert.deepEqual(stands, clean.stands, `${fault} at call ${spoiled}`);
        }
      }
    });
  }

  for (const [name, operation] of Object.entries(OPERATIONS)) {
    it(`${name} says so when it cannot, and leaves nothing half done`, async () => {
      const untouched = await trial({ ...operation, run: async () => undefined }, () => undefined);
      const clean = await trial(operation, () => undefined);
      const ends = [untouched.stands, clean.stands].map((stands) => JSON.stringify(stands));
      for (const [fault, code] of Object.entries(LASTING) as [keyof typeof LASTING, string][]) {
        for (let from = 0; from < clean.calls; from++) {
          const { stands, error } = await trial(operation, ({ number }) => (number >= from ? fault : undefined));
          assert.ok(error instanceof WeftError, `${fault} from call ${from} on: ${String(error)}`);
          assert.equal(error.code, code, `${fault} from call ${from} on: ${error.message}`);
          assert.ok(ends.includes(JSON.stringify(stands)), `${fault} from call ${from} on: ${JSON.stringify(stands)}`);
        }
      }
    });
  }

  it('gives up on a store that never answers', async () => {
    const { error } = await trial(OPERATIONS['a first claim'] ?? assert.fail(), () => 'stalled', STALLED_MS);
    assert.ok(error instanceof WeftError && error.code === 'STORE_TIMEOUT', String(error));
  });

  it('adds to a counter once or says that it does not know', async () => {
    for (const fault of [...FAULTS, 'throughput exceeded', 'server error'] as const) {
      const { proxy } = ground();
      const world = await ground().makeWorld();
      const requestTimeoutMs = fault === 'stalled' ? STALLED_MS : PATIENT_MS;
      const peer = world.open('', { endpoint: proxy.endpoint, requestTimeoutMs });
      proxy.calls = [];
      proxy.fault = ({ number }) => (number === 0 ? fault : undefined);
      const end = await peer.clock.during(peer.records.add('n', 1, signal)).catch((error: unknown) => error);
      proxy.fault = () => undefined;
      const sum = await world.open().records.add('n', 0, signal);
      if (fault === 'throttled' || fault === 'throughput exceeded') assert.deepEqual([end, sum], [1, 1], fault);
      else {
        assert.ok(end instanceof WeftError, fault);
        assert.ok(sum <= 1, fault);
      }
      await world.close();
    }
  });

  it('a watcher sees a change, whatever fails on the way to it', async () => {
    const { proxy } = ground();
    for (const fault of FAULTS) {
      for (let spoiled = 0; spoiled < 4; spoiled++) {
        const world = await ground().makeWorld();
        const { store } = world.open();
        const requestTimeoutMs = fault === 'stalled' ? STALLED_MS : PATIENT_MS;
        const watcher = new Watcher(world.open('', { endpoint: proxy.endpoint, requestTimeoutMs }));
        await watcher.next();
        proxy.calls = [];
        proxy.fault = ({ number }) => (number === spoiled ? fault : undefined);
        const { lease } = await store.claim(wish(a), signal);
        const { view } = await watcher.next();
        assert.deepEqual(viewText(view), [`${lease.key} node-a`], `${fault} at call ${spoiled}`);
        proxy.fault = () => undefined;
        await watcher.stop();
        await world.close();
      }
    }
  });

  it('keeps a watcher\u2019s view while the store is away, tells of the trouble once it begins and once it is over, and then shows what was missed', async () => {
    const { proxy, world } = ground();
    const { store } = world.open();
    const { lease } = await store.claim(wish(a), signal);
    const watcher = new Watcher(ground().proxied());
    await watcher.next();
    proxy.fault = () => 'reset before';
    await store.release(lease, signal);
    const other = await store.claim(wish(b), signal);
    for (let steps = 0; steps < 5; steps++) assert.equal(await watcher.after(MINUTE), undefined);
    assert.ok(watcher.troubles.length >= 2);
    assert.ok(watcher.troubles.every((error) => error instanceof WeftError && error.code === 'STORE_UNREACHABLE'));
    proxy.fault = () => undefined;
    const { view, changed } = await watcher.next();
    assert.equal(watcher.troubles.at(-1), undefined);
    assert.deepEqual(viewText(view), [`${other.lease.key} node-b`]);
    assert.deepEqual(changed, new Set([lease.key, other.lease.key]));
    await watcher.stop();
  });
});
