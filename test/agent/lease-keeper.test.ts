import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Findings } from '../../src/agent/findings.ts';
import { LeaseKeeper } from '../../src/agent/lease-keeper.ts';
import type { WeftError } from '../../src/core/errors.ts';
import { parseLeaseKey } from '../../src/core/lease-key.ts';
import type { Lease, LeaseAttributes, LeaseView } from '../../src/core/lease.ts';
import { encodeLeaseValue } from '../../src/core/lease-value.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { ListLog } from '../fakes/list-log.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork, unreachable } from '../fakes/memory-network.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { lease as sample } from '../datapath/cluster.ts';
import { parseAddress } from '../../src/core/address.ts';
import { parseSubnet } from '../../src/core/subnet.ts';

const TTL_MS = 24 * 3_600_000;
const HOUR_MS = 3_600_000;
const NODE = parseNodeId('node-a');
const PUBLIC_IP = parseAddress('192.168.0.1');
const RANGE = {
  network: parseSubnet('10.42.0.0/16'),
  subnetLength: 24,
  min: parseAddress('10.42.1.0'),
  max: parseAddress('10.42.255.0'),
};

const says = (mtuBytes: number, node = NODE): LeaseAttributes => ({
  publicIP: PUBLIC_IP,
  weft: { node, incarnation: 1, mtuBytes },
});

class Kept {
  readonly clock: ManualClock;
  readonly network: MemoryNetwork;
  readonly log = new ListLog();
  readonly findings = new Findings(this.log);
  readonly #end = new AbortController();
  readonly keeper: LeaseKeeper;
  claims = 0;
  /** Why it ended. */
  fenced: string | undefined;
  left: string | undefined;
  /** What the records say of this machine. */
  sentAway: () => string | undefined = () => undefined;
  readonly #running: Promise<void>;

  private constructor(lease: Lease, network: MemoryNetwork, clock: ManualClock, renewMarginMs: number) {
    this.clock = clock;
    this.network = network;
    const store = new MemoryStore(network, clock, new SeededRandom(1));
    const wish = () => ({ node: NODE, publicIP: PUBLIC_IP, range: RANGE, within: [], ttlMs: TTL_MS });
    this.keeper = new LeaseKeeper(
      {
        store,
        clock,
        random: new SeededRandom(2),
        log: this.log,
        findings: this.findings,
        options: { renewMarginMs },
        wish,
        onClaim: () => (this.claims += 1),
        sentAway: async () => this.sentAway(),
      },
      { lease, adopted: undefined, sentAt: clock.now() },
    );
    this.#running = this.keeper.run(this.#end.signal).then(
      ({ how, why }) => void (how === 'fenced' ? (this.fenced = why) : (this.left = why)),
      (error: unknown) => assert.equal((error as WeftError).code, 'ABORTED'),
    );
  }

  static async begin(renewMarginMs = HOUR_MS): Promise<Kept> {
    const clock = new ManualClock(1_000_000);
    const network = new MemoryNetwork(clock);
    const store = new MemoryStore(network, clock, new SeededRandom(1));
    const wish = {
      node: NODE,
      publicIP: PUBLIC_IP,
      range: RANGE,
      within: [],
      ttlMs: TTL_MS,
      mayRenumber: true,
      attributes: () => says(1500),
    };
    const { lease } = await store.claim(wish, new AbortController().signal);
    return new Kept(lease, network, clock, renewMarginMs);
  }

  get stored(): string {
    const held = this.network.leases.get(this.keeper.lease.key);
    return held === undefined ? 'nothing' : `epoch ${held.lease.epoch} ${encodeLeaseValue(held.lease.attributes)}`;
  }

  view(leases: readonly Lease[]): LeaseView {
    return {
      revision: '1',
      config: undefined,
      leases: new Map(leases.map((one) => [one.key, one])),
      expired: new Set(),
      skipped: [],
      findings: [],
    };
  }

  stop(): Promise<void> {
    this.#end.abort();
    return this.#running;
  }
}

/** Somebody else has this lease now. */
function loseTo(kept: Kept, node: string, epoch: number): Lease {
  const { key, subnet } = kept.keeper.lease;
  const other: Lease = { key, subnet, attributes: says(1500, parseNodeId(node)), epoch, version: `foreign ${epoch}` };
  kept.network.leases.set(key, { lease: other, node: parseNodeId(node), ttlMs: TTL_MS });
  return other;
}

test('renews a little before a third of the TTL has passed, and is silent about it', async () => {
  const kept = await Kept.begin();
  await kept.clock.advance(7 * HOUR_MS);
  assert.equal(kept.keeper.renewals.made, 0);
  await kept.clock.advance(HOUR_MS);
  assert.equal(kept.keeper.renewals.made, 1);
  await kept.clock.advance(64 * HOUR_MS);
  assert.ok(kept.keeper.renewals.made >= 9);
  await kept.stop();
  assert.deepEqual(kept.log.lines, []);
});

test('renews at least the margin before the end, where that is earlier', async () => {
  const kept = await Kept.begin(23 * HOUR_MS);
  await kept.clock.advance(0.9 * HOUR_MS - 1);
  assert.equal(kept.keeper.renewals.made, 0);
  await kept.clock.advance(0.1 * HOUR_MS + 1);
  assert.equal(kept.keeper.renewals.made, 1);
  await kept.stop();
});

test('what is advertised is written once, at once, and only when it differs', async () => {
  const kept = await Kept.begin();
  kept.keeper.advertise(says(1500));
  await kept.clock.advance(0);
  assert.equal(kept.keeper.renewals.made, 0);
  kept.keeper.advertise(says(9001));
  await kept.clock.advance(0);
  kept.keeper.advertise(says(9001));
  await kept.clock.advance(1000);
  assert.equal(kept.keeper.renewals.made, 1);
  assert.match(kept.stored, /"mtu":9001/);
  await kept.stop();
});

test('while the store is away it keeps trying, is unsure when the TTL is over, and holds again when it is back', async () => {
  const kept = await Kept.begin();
  kept.network.before = () => {
    throw unreachable();
  };
  await kept.clock.advance(23 * HOUR_MS);
  assert.equal(kept.keeper.phase, 'held');
  assert.deepEqual(kept.findings.of('store'), [{ code: 'STORE_UNREACHABLE', message: 'the store is away' }]);
  await kept.clock.advance(HOUR_MS);
  assert.equal(kept.keeper.phase, 'unsure');
  assert.match(kept.keeper.unready ?? '', /not renewed for 1d|24h/);
  await kept.clock.advance(100 * HOUR_MS);
  kept.network.before = () => undefined;
  await kept.clock.advance(60_000);
  assert.equal(kept.keeper.phase, 'held');
  assert.equal(kept.keeper.unready, undefined);
  await kept.stop();
  assert.deepEqual(kept.log.text, [
    'warn something needs attention {code why}',
    'warn lease is unsure {epoch subnet why}',
    'info no longer so {code why}',
    'info lease is held again {epoch subnet}',
  ]);
});

test('a lease that is gone is claimed again at the same subnet, under a new epoch', async () => {
  const kept = await Kept.begin();
  const { key, epoch } = kept.keeper.lease;
  kept.network.leases.delete(key);
  kept.keeper.see(kept.view([]));
  assert.equal(kept.keeper.phase, 'unsure');
  await kept.clock.advance(0);
  assert.equal(kept.keeper.phase, 'held');
  assert.equal(kept.keeper.lease.key, key);
  assert.ok(kept.keeper.lease.epoch > epoch);
  assert.equal(kept.claims, 1, 'views of the old epoch were not trusted: now is the time to look again');
  assert.equal(kept.fenced, undefined);
  await kept.stop();
});

test('a lease that is gone because its machine is on its way out is not claimed again', async () => {
  const kept = await Kept.begin();
  const { key } = kept.keeper.lease;
  kept.network.leases.delete(key);
  kept.sentAway = () => {
    throw unreachable();
  };
  kept.keeper.see(kept.view([]));
  await kept.clock.advance(0);
  assert.equal(kept.network.leases.has(key), false, 'as long as nobody can say why it is gone, it stays so');
  kept.sentAway = () => 'the reconciler has released the lease of i-1: it is terminated';
  await kept.clock.advance(60_000);
  assert.deepEqual(
    [kept.left, kept.fenced],
    ['the reconciler has released the lease of i-1: it is terminated', undefined],
  );
  assert.equal(kept.network.leases.has(key), false);
  assert.equal(kept.keeper.phase, 'draining');
  await kept.stop();
});

test('an entry at our subnet that cannot be read is written anew, and where that is refused it fences nobody', async () => {
  const kept = await Kept.begin();
  const { key } = kept.keeper.lease;
  const garbled = { ...kept.view([]), skipped: [{ key, why: 'the value is not JSON' }] };
  kept.keeper.see(garbled);
  assert.equal(kept.keeper.phase, 'held');
  await kept.clock.advance(0);
  assert.equal(kept.keeper.renewals.made, 1);
  kept.network.leases.delete(key);
  kept.network.garbage.set(key, 'the value is not JSON');
  kept.keeper.see(garbled);
  await kept.clock.advance(120_000);
  assert.equal(kept.fenced, undefined);
  assert.equal(kept.keeper.phase, 'unsure');
  assert.match(kept.findings.of('lease')[0]?.message ?? '', /held by an entry that cannot be read/);
  kept.network.garbage.clear();
  await kept.clock.advance(60_000);
  assert.equal(kept.keeper.phase, 'held');
  await kept.stop();
});

test('a view that merely lags behind changes nothing but the version', async () => {
  const kept = await Kept.begin();
  const { epoch } = kept.keeper.lease;
  kept.keeper.see(kept.view([]));
  await kept.clock.advance(0);
  assert.equal(kept.keeper.phase, 'held');
  assert.equal(kept.keeper.lease.epoch, epoch);
  await kept.stop();
});

test('is fenced when another node holds the subnet, whether a view or a renewal shows it', async () => {
  const byView = await Kept.begin();
  byView.keeper.see(byView.view([loseTo(byView, 'node-b', 99)]));
  await byView.clock.advance(0);
  assert.match(byView.fenced ?? '', /belongs to node node-b now/);
  assert.equal(byView.keeper.phase, 'fenced');

  const byRenewal = await Kept.begin();
  loseTo(byRenewal, 'node-b', 99);
  await byRenewal.clock.advance(8 * HOUR_MS);
  assert.match(byRenewal.fenced ?? '', /belongs to another node now/);
  assert.match(byRenewal.stored, /^epoch 99 .*node-b/);
});

test('a daemon that was suspended past its TTL, while its subnet went to another, is fenced by its first attempt', async () => {
  const kept = await Kept.begin();
  const attempts: string[] = [];
  kept.network.before = (call) => void attempts.push(call);
  loseTo(kept, 'node-b', 99);
  // One jump: nothing ran in between.
  await kept.clock.advance(48 * HOUR_MS);
  assert.ok(kept.fenced);
  assert.deepEqual(attempts, ['renew', 'claim']);
});

test('a flanneld of this host that rewrites the lease loses against a new claim', async () => {
  const kept = await Kept.begin();
  const { key, subnet, epoch } = kept.keeper.lease;
  const plain: Lease = { ...sample('10.42.1.0/24', PUBLIC_IP), key, subnet, epoch, version: 'plain' };
  kept.network.leases.set(key, { lease: plain, node: undefined, ttlMs: TTL_MS });
  kept.keeper.see(kept.view([plain]));
  await kept.clock.advance(0);
  assert.match(kept.stored, /"Weft":\{/);
  assert.equal(kept.keeper.phase, 'held');
  await kept.stop();
});

test('tells a stranger with its own name from its own writes', async () => {
  const kept = await Kept.begin();
  const { lease } = kept.keeper;
  kept.keeper.advertise(says(9001));
  await kept.clock.advance(0);
  assert.equal(kept.keeper.see(kept.view([lease])), undefined, 'a view that lags behind');
  const stranger: Lease = { ...kept.keeper.lease, attributes: says(1400), version: 'unknown' };
  assert.equal(kept.keeper.see(kept.view([stranger])), stranger);
  kept.keeper.reassert();
  await kept.clock.advance(0);
  assert.equal(kept.keeper.renewals.made, 2);
  await kept.stop();
});

test('a claim that leads to another subnet fences: containers live in the old one', async () => {
  const kept = await Kept.begin();
  const { key } = kept.keeper.lease;
  const elsewhere = parseLeaseKey('10.42.200.0-24');
  assert.ok(elsewhere);
  kept.network.leases.delete(key);
  kept.network.leases.set(elsewhere.key, {
    lease: { ...elsewhere, attributes: says(1500), epoch: 77, version: '77' },
    node: NODE,
    ttlMs: TTL_MS,
  });
  kept.keeper.see(kept.view([]));
  await kept.clock.advance(0);
  assert.match(kept.fenced ?? '', /this node has 10\.42\.200\.0\/24/);
});
