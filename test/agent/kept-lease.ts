/** A lease in a keeper's hands, over a store in memory. */
import assert from 'node:assert/strict';
import { Findings } from '../../src/agent/findings.ts';
import { LeaseKeeper } from '../../src/agent/lease-keeper.ts';
import { parseAddress } from '../../src/core/address.ts';
import type { WeftError } from '../../src/core/errors.ts';
import type { Lease, LeaseAttributes, LeaseView } from '../../src/core/lease.ts';
import { encodeLeaseValue } from '../../src/core/lease-value.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { ListLog } from '../fakes/list-log.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

export const TTL_MS = 24 * 3_600_000;
export const HOUR_MS = 3_600_000;
export const NODE = parseNodeId('node-a');
export const PUBLIC_IP = parseAddress('192.168.0.1');
const RANGE = {
  network: parseSubnet('10.42.0.0/16'),
  subnetLength: 24,
  min: parseAddress('10.42.1.0'),
  max: parseAddress('10.42.255.0'),
};

export const says = (mtuBytes: number, node = NODE): LeaseAttributes => ({
  publicIP: PUBLIC_IP,
  weft: { node, incarnation: 1, mtuBytes },
});

/** One lease in a keeper's hands, on a clock of the test's. */
export class Kept {
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
