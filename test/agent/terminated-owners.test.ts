import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TerminatedOwners } from '../../src/agent/terminated-owners.ts';
import type { InstanceState } from '../../src/contracts/cloud-inventory.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { Lease, LeaseAttributes } from '../../src/core/lease.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { attributes, never, publicIP, range } from '../contract/store-world.ts';
import { ListLog } from '../fakes/list-log.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

const MINUTE = 60_000;
const signal = never();
const GONE = 'i-0000000000000001';
const ALIVE = 'i-0000000000000002';

class World {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly store = new MemoryStore(this.network, this.clock, new SeededRandom(1));
  readonly log = new ListLog();
  readonly states = new Map<string, InstanceState>([
    [GONE, 'terminated'],
    [ALIVE, 'running'],
  ]);
  asked: string[][] = [];
  readonly owners = new TerminatedOwners({
    store: this.store,
    clock: this.clock,
    log: this.log,
    inventory: {
      instances: async (ids) => {
        this.asked.push([...ids]);
        return new Map(
          ids.map((id) => [id, { state: this.states.get(id) ?? 'unknown', network: undefined, tags: new Map() }]),
        );
      },
    },
  });

  async claim(name: string, last: number, cloud = true): Promise<Lease> {
    const node = parseNodeId(name);
    const plain = attributes(node, 1, publicIP(last));
    const fabric = { provider: 'aws', network: 'vpc-1', subnet: 'subnet-a', target: `eni-${last}` };
    const wish: LeaseAttributes =
      cloud && plain.weft !== undefined ? { ...plain, weft: { ...plain.weft, fabric } } : plain;
    const claimed = await this.store.claim(
      {
        node,
        publicIP: publicIP(last),
        range: range(9),
        within: [],
        mayRenumber: true,
        ttlMs: 24 * 60 * MINUTE,
        attributes: () => wish,
      },
      signal,
    );
    return claimed.lease;
  }

  get held(): string[] {
    return [...this.network.leases.values()].map(({ node }) => node ?? 'plain').toSorted();
  }

  async free(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.owners.free(signal);
  }
}

describe('leases of terminated machines', () => {
  it('are freed when subnets run short, five minutes after they were seen to be, and no others', async () => {
    const world = new World();
    await world.claim(GONE, 1);
    await world.claim(ALIVE, 2);
    await world.claim('i-0000000000000003', 3);
    await world.claim('node-at-home', 4, false);
    await world.free(0);
    await world.free(4 * MINUTE);
    assert.equal(world.held.length, 4);
    await world.free(MINUTE);
    assert.deepEqual(world.held, [ALIVE, 'i-0000000000000003', 'node-at-home']);
    assert.deepEqual(world.asked[0]?.toSorted(), [GONE, ALIVE, 'i-0000000000000003'].toSorted());
  });

  it('are kept when somebody renews them: another host goes by that name', async () => {
    const world = new World();
    let lease = await world.claim(GONE, 1);
    await world.free(0);
    for (let minutes = 0; minutes < 12; minutes += 2) {
      lease = await world.store.renew(lease, lease.attributes, 60_000, signal);
      await world.free(2 * MINUTE);
    }
    assert.deepEqual(world.held, [GONE]);
  });

  it('cost one question a minute, and a cloud that does not answer harms nothing', async () => {
    const world = new World();
    await world.claim(GONE, 1);
    for (let seconds = 0; seconds < 120; seconds += 10) await world.free(10_000);
    assert.equal(world.asked.length, 2);
    world.states.get = () => {
      throw new WeftError('CLOUD_DENIED', 'no right to ec2:DescribeInstances');
    };
    await world.free(2 * MINUTE);
    assert.deepEqual(world.held, [GONE]);
    assert.ok(world.log.text.some((line) => line.startsWith('warn owners of leases could not be looked up')));
  });
});
