import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { offset, parseAddress } from '../../src/core/address.ts';
import {
  allocate,
  describeShortage,
  type Allocation,
  type AllocationWish,
  type Freed,
  type Holdings,
} from '../../src/core/allocate.ts';
import { leasableCount, misfit } from '../../src/core/lease-range.ts';
import type { FamilyRange } from '../../src/core/network-config.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { contains, overlaps, parseSubnet, sizeOf, subnetOf, type Subnet } from '../../src/core/subnet.ts';

const ME = parseNodeId('me');
const OTHER = parseNodeId('other');
const net = parseSubnet;

const rangeOf = (members: Record<string, unknown>): FamilyRange => parseNetworkConfig(JSON.stringify(members)).v4;
/** Four subnets: 10.3.1.0 to 10.3.4.0. */
const SMALL = rangeOf({ Network: '10.3.0.0/16', SubnetMin: '10.3.1.0', SubnetMax: '10.3.4.0' });

const wish = (range: FamilyRange, rest: Partial<AllocationWish> = {}): AllocationWish => ({
  node: ME,
  range,
  within: [],
  ...rest,
});
const holdings = (rest: Partial<Holdings> = {}): Holdings => ({ taken: [], reserved: [], freed: [], ...rest });
const freed = (subnet: string, freedAt: number, quarantineMs = 0, node = OTHER): Freed => ({
  subnet: net(subnet),
  node,
  freedAt,
  quarantineMs,
});
const first = (): number => 0;
const text = (allocation: Allocation): string =>
  allocation.kind === 'none' ? 'none' : `${allocation.kind} ${allocation.subnet}`;

/** All that chance can choose. */
function choices(wished: AllocationWish, held: Holdings): string[] {
  let bound = 1;
  const found: string[] = [];
  for (let n = 0; n < bound; n++) {
    const allocation = allocate(wished, held, (count) => {
      bound = count;
      return n;
    });
    found.push(text(allocation));
  }
  return found;
}

describe('allocation', () => {
  it('gives back the subnet that the node had, when nobody else has it', () => {
    const previous = net('10.3.2.0/24');
    assert.equal(text(allocate(wish(SMALL, { previous }), holdings(), first)), 'previous 10.3.2.0/24');
    assert.equal(
      text(allocate(wish(SMALL, { previous }), holdings({ taken: [previous] }), first)),
      'fresh 10.3.1.0/24',
    );
    assert.equal(
      text(allocate(wish(SMALL, { previous }), holdings({ reserved: [{ subnet: previous, node: OTHER }] }), first)),
      'fresh 10.3.1.0/24',
    );
  });

  it('ET-3, ET-4: takes a previous subnet inside the range, and no other', () => {
    const range = rangeOf({ Network: '10.3.0.0/16', SubnetMin: '10.3.1.0', SubnetMax: '10.3.25.0' });
    const taken = ['10.3.1.0/24', '10.3.2.0/24', '10.3.4.0/24', '10.3.5.0/24', '10.3.31.0/24'].map(net);
    assert.equal(
      text(allocate(wish(range, { previous: net('10.3.6.0/24') }), holdings({ taken }), first)),
      'previous 10.3.6.0/24',
    );
    assert.equal(
      text(allocate(wish(range, { previous: net('10.4.1.0/24') }), holdings({ taken }), first)),
      'fresh 10.3.3.0/24',
    );
  });

  it('ET-1: finds the only one that is free', () => {
    const range = rangeOf({ Network: '10.3.0.0/16', SubnetMin: '10.3.1.0', SubnetMax: '10.3.5.0' });
    const taken = ['10.3.1.0/24', '10.3.2.0/24', '10.3.4.0/24', '10.3.5.0/24'].map(net);
    assert.deepEqual(choices(wish(range), holdings({ taken })), ['fresh 10.3.3.0/24']);
  });

  it('honours reservations: mine for me, those of others for nobody', () => {
    const reserved = [
      { subnet: net('10.3.3.0/24'), node: ME },
      { subnet: net('10.3.1.0/24'), node: OTHER },
    ];
    assert.equal(text(allocate(wish(SMALL), holdings({ reserved }), first)), 'reserved 10.3.3.0/24');
    assert.equal(
      text(allocate(wish(SMALL, { previous: net('10.3.4.0/24') }), holdings({ reserved }), first)),
      'previous 10.3.4.0/24',
    );
    assert.deepEqual(choices(wish(SMALL), holdings({ reserved, taken: [net('10.3.3.0/24')] })), [
      'fresh 10.3.2.0/24',
      'fresh 10.3.4.0/24',
    ]);
  });

  it('prefers what nobody ever had, then what was freed longest ago', () => {
    const three = [freed('10.3.1.0/24', 30), freed('10.3.2.0/24', 10), freed('10.3.3.0/24', 20)];
    assert.deepEqual(choices(wish(SMALL), holdings({ freed: three })), ['fresh 10.3.4.0/24']);
    assert.deepEqual(choices(wish(SMALL), holdings({ freed: three, taken: [net('10.3.4.0/24')] })), [
      'freed 10.3.2.0/24',
      'freed 10.3.3.0/24',
      'freed 10.3.1.0/24',
    ]);
  });

  it('among many freed ones chooses among the oldest', () => {
    const range = rangeOf({ Network: '10.3.0.0/16' });
    const all = Array.from({ length: 255 }, (_, n) => freed(`10.3.${n + 1}.0/24`, 1000 - n));
    const chosen = choices(wish(range), holdings({ freed: all }));
    assert.deepEqual(
      chosen,
      Array.from({ length: 32 }, (_, n) => `freed 10.3.${255 - n}.0/24`),
    );
  });

  it('lets a freed subnet rest, except for the node that had it', () => {
    const taken = ['10.3.1.0/24', '10.3.2.0/24', '10.3.3.0/24'].map(net);
    const mine = freed('10.3.4.0/24', 5, 60_000, ME);
    const others = freed('10.3.4.0/24', 5, 60_000, OTHER);
    assert.equal(
      text(allocate(wish(SMALL, { previous: mine.subnet }), holdings({ taken, freed: [mine] }), first)),
      'previous 10.3.4.0/24',
    );
    assert.equal(text(allocate(wish(SMALL), holdings({ taken, freed: [mine] }), first)), 'freed 10.3.4.0/24');
    assert.equal(
      text(allocate(wish(SMALL, { previous: others.subnet }), holdings({ taken, freed: [others] }), first)),
      'none',
    );
  });

  it('stays within the ranges that it is told', () => {
    const range = rangeOf({ Network: '10.3.0.0/16' });
    const within = [net('10.3.128.0/23'), net('10.3.8.128/25'), net('10.9.0.0/16'), net('fd00::/8')];
    assert.deepEqual(choices(wish(range, { within }), holdings()), ['fresh 10.3.128.0/24', 'fresh 10.3.129.0/24']);
    assert.equal(
      text(allocate(wish(range, { within, previous: net('10.3.7.0/24') }), holdings(), first)),
      'fresh 10.3.128.0/24',
    );
    assert.equal(text(allocate(wish(range, { within: [net('10.9.0.0/16')] }), holdings(), first)), 'none');
  });

  it('walks around leases of any other length', () => {
    assert.deepEqual(choices(wish(SMALL), holdings({ taken: [net('10.3.2.0/23'), net('10.3.4.64/30')] })), [
      'fresh 10.3.1.0/24',
    ]);
    assert.equal(text(allocate(wish(SMALL), holdings({ taken: [net('10.0.0.0/8')] }), first)), 'none');
    assert.equal(choices(wish(SMALL), holdings({ taken: [net('0.0.0.0/0')] })).join(), 'none');
    assert.equal(choices(wish(SMALL), holdings({ taken: [net('::/0')] })).length, 4);
  });

  it('a freed subnet of another length keeps others from nothing but for its quarantine', () => {
    assert.deepEqual(choices(wish(SMALL), holdings({ freed: [freed('10.3.0.0/22', 1)] })).length, 4);
    assert.deepEqual(choices(wish(SMALL), holdings({ freed: [freed('10.3.0.0/22', 1, 5000)] })), ['fresh 10.3.4.0/24']);
  });

  it('reaches the end of the address space and stops there', () => {
    const range = rangeOf({ Network: '255.255.255.0/24' });
    assert.deepEqual(choices(wish(range), holdings()), [
      'fresh 255.255.255.64/26',
      'fresh 255.255.255.128/26',
      'fresh 255.255.255.192/26',
    ]);
  });

  it('finds nothing where SubnetMin lies above SubnetMax, and says so', () => {
    const range = rangeOf({ Network: '10.3.0.0/16', SubnetMin: '10.3.9.0', SubnetMax: '10.3.5.0' });
    const allocation = allocate(wish(range, { previous: net('10.3.7.0/24') }), holdings(), first);
    assert.ok(allocation.kind === 'none');
    assert.equal(
      describeShortage(allocation, wish(range)),
      'out of subnets: SubnetMin 10.3.9.0 lies above SubnetMax 10.3.5.0, so Network 10.3.0.0/16 has none',
    );
  });

  it('says what became of every subnet when there is none', () => {
    const held = holdings({
      taken: [net('10.3.1.0/24')],
      reserved: [
        { subnet: net('10.3.1.0/24'), node: OTHER },
        { subnet: net('10.3.2.0/24'), node: OTHER },
      ],
      freed: [freed('10.3.3.0/24', 1, 90_000), freed('10.3.4.0/24', 2, 45_500), freed('10.3.2.0/24', 2, 10)],
    });
    const allocation = allocate(wish(SMALL), held, first);
    assert.deepEqual(allocation, { kind: 'none', total: 4, taken: 1, reserved: 1, quarantined: 2, soonestMs: 45_500 });
    assert.ok(allocation.kind === 'none');
    assert.equal(
      describeShortage(allocation, wish(SMALL)),
      'out of subnets: of 4 in Network 10.3.0.0/16, 1 are leased, 1 reserved for other nodes and 2 freed too recently; the first returns in 46s',
    );
    const outside = wish(SMALL, { within: [net('10.9.0.0/16')] });
    const nothing = allocate(outside, held, first);
    assert.ok(nothing.kind === 'none');
    assert.equal(describeShortage(nothing, outside), 'out of subnets: 10.9.0.0/16 lies outside Network 10.3.0.0/16');
  });

  it('fills 16,383 subnets one by one without an overlap, and finds the last', () => {
    const range = rangeOf({ Network: '10.3.0.0/16', SubnetLen: 30 });
    const total = Number(leasableCount(range));
    const all = Array.from({ length: total }, (_, n) => subnetOf(offset(range.min, n * 4), 30));
    const missing = all[9999];
    assert.ok(missing);
    const taken = all.filter((subnet) => subnet !== missing);
    assert.deepEqual(choices(wish(range), holdings({ taken })), [`fresh ${missing}`]);
    const none = allocate(wish(range), holdings({ taken: all }), first);
    assert.deepEqual(none, { kind: 'none', total, taken: total, reserved: 0, quarantined: 0, soonestMs: undefined });
  });

  it('allocates IPv6 subnets the same way', () => {
    const range: FamilyRange = {
      network: net('fc00::/48'),
      subnetLength: 64,
      min: parseAddress('fc00:0:0:1::'),
      max: parseAddress('fc00:0:0:3::'),
    };
    assert.deepEqual(choices(wish(range), holdings({ taken: [net('fc00:0:0:2::/64')] })), [
      'fresh fc00:0:0:1::/64',
      'fresh fc00:0:0:3::/64',
    ]);
  });

  it('never gives what overlaps a lease, a reservation or a quarantine of others, and never says none while one is free', () => {
    const range = rangeOf({ Network: '10.3.0.0/20', SubnetLen: 24 });
    const any: fc.Arbitrary<Subnet> = fc
      .tuple(fc.nat(4095), fc.constantFrom(22, 23, 24, 24, 24, 25, 30))
      .map(([at, length]) =>
        subnetOf(offset(range.network.split('/')[0] === undefined ? range.min : parseAddress('10.3.0.0'), at), length),
      );
    const node = fc.constantFrom(ME, OTHER);
    const held = fc.record({
      taken: fc.array(any, { maxLength: 10 }),
      reserved: fc.array(fc.record({ subnet: any, node }), { maxLength: 5 }),
      freed: fc.array(
        fc.record({ subnet: any, node, freedAt: fc.nat(100), quarantineMs: fc.constantFrom(-1, 0, 1000) }),
        { maxLength: 10 },
      ),
    });
    const wished = fc.record({ previous: fc.option(any, { nil: undefined }), within: fc.array(any, { maxLength: 2 }) });
    fc.assert(
      fc.property(held, wished, fc.nat(), (standing, { previous, within }, seed) => {
        const mine = wish(range, { previous, within });
        const blocked = [
          ...standing.taken,
          ...standing.reserved.filter((entry) => entry.node !== ME).map(({ subnet }) => subnet),
          ...standing.freed.filter((entry) => entry.node !== ME && entry.quarantineMs > 0).map(({ subnet }) => subnet),
        ];
        const free = (subnet: Subnet): boolean =>
          misfit(range, subnet) === undefined &&
          (within.length === 0 || within.some((outer) => contains(outer, subnet))) &&
          !blocked.some((other) => overlaps(other, subnet));
        const all = Array.from({ length: Number(leasableCount(range)) }, (_, n) =>
          subnetOf(offset(range.min, BigInt(n) * sizeOf(subnetOf(range.min, 24))), 24),
        );
        const allocation = allocate(mine, standing, (bound) => seed % bound);
        if (allocation.kind === 'none') {
          assert.deepEqual(all.filter(free), []);
          assert.equal(allocation.taken + allocation.reserved + allocation.quarantined, allocation.total);
        } else assert.ok(free(allocation.subnet), text(allocation));
        if (previous !== undefined && free(previous)) assert.equal(text(allocation), `previous ${previous}`);
      }),
      { numRuns: 500 },
    );
  });
});
