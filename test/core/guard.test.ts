import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addressFrom } from '../../src/core/address.ts';
import { diff, type Change } from '../../src/core/diff.ts';
import { guard, INITIAL_GUARD, type Guarded, type GuardInput, type GuardState } from '../../src/core/guard.ts';
import { HOST_ENTRIES, describeHostEntry, hostEntryKey, type HostEntry } from '../../src/core/host-entry.ts';
import { macFrom } from '../../src/core/mac.ts';
import { baseOf, parseSubnet, subnetOf, type Subnet } from '../../src/core/subnet.ts';
import { hostEntry } from './arbitraries.ts';

const OWN = parseSubnet('10.42.255.0/24');
const LINK: HostEntry = {
  kind: 'link',
  name: 'weft.1',
  vni: 1,
  port: 8472,
  local: addressFrom(0xc0a8_00ffn, 4),
  uplink: 'eth0',
  mtuBytes: 1450,
  mac: macFrom('me'),
  learning: false,
  gbp: false,
  up: true,
};
const BASICS: HostEntry[] = [LINK, { kind: 'address', link: 'weft.1', address: baseOf(OWN), prefixLength: 32 }];

const subnetNumber = (n: number): Subnet => subnetOf(addressFrom(0x0a2a_0000n + BigInt(n) * 256n, 4), 24);

/** What a peer behind vxlan needs: route, neighbour, FDB entry. */
function vxlanPeer(n: number): HostEntry[] {
  const destination = subnetNumber(n);
  return [
    {
      kind: 'route',
      destination,
      link: 'weft.1',
      via: baseOf(destination),
      onlink: true,
      source: baseOf(OWN),
      mtuBytes: 1450,
    },
    { kind: 'neighbour', link: 'weft.1', address: baseOf(destination), mac: macFrom(`${n}`) },
    { kind: 'fdb', link: 'weft.1', mac: macFrom(`${n}`), remote: addressFrom(0xc0a8_0000n + BigInt(n), 4) },
  ];
}
const directPeer = (n: number): HostEntry[] => [
  {
    kind: 'route',
    destination: subnetNumber(n),
    link: 'eth0',
    via: addressFrom(0xc0a8_0000n + BigInt(n), 4),
    onlink: false,
    source: baseOf(OWN),
    mtuBytes: 1500,
  },
];
const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, index) => from + index);
const peers = (from: number, count: number): HostEntry[] => numbers(from, count).flatMap(vxlanPeer);

/** A host whose passes are guarded. */
class GuardedHost {
  entries: HostEntry[];
  state: GuardState = INITIAL_GUARD;
  constructor(entries: HostEntry[]) {
    this.entries = entries;
  }
  pass(wanted: HostEntry[], nowMs: number, rest: Partial<GuardInput> = {}): Guarded {
    const observed = this.entries.filter((entry) => rest.only?.has(hostEntryKey(entry)) ?? true);
    const changes = diff(observed, wanted, HOST_ENTRIES);
    const result = guard(this.state, { changes, observed, answering: new Set(), own: OWN, nowMs, ...rest });
    this.state = result.state;
    const standing = new Map(this.entries.map((entry) => [hostEntryKey(entry), entry]));
    for (const change of result.go) {
      if (change.op === 'put') standing.set(hostEntryKey(change.want), change.want);
      else standing.delete(hostEntryKey(change.was));
    }
    this.entries = [...standing.values()];
    return result;
  }
  get world(): string[] {
    return this.entries.map(describeHostEntry).sort();
  }
}
const changeText = (change: Change<HostEntry>): string =>
  change.op === 'put' ? `+ ${describeHostEntry(change.want)}` : `- ${describeHostEntry(change.was)}`;
const world = (...entries: HostEntry[]): string[] => entries.map(describeHostEntry).sort();

describe('the guard', () => {
  it('lets ten removals go whatever they are of, and eleven of twenty-two', () => {
    const ten = new GuardedHost([...BASICS, ...peers(1, 10)]);
    assert.deepEqual(ten.pass(BASICS, 0).held, []);
    assert.deepEqual(ten.world, world(...BASICS));
    const half = new GuardedHost([...BASICS, ...peers(1, 22)]);
    assert.deepEqual(half.pass([...BASICS, ...peers(1, 11)], 0).held, []);
    assert.deepEqual(half.world, world(...BASICS, ...peers(1, 11)));
  });

  it('holds more than ten that are more than half, with all that they stand on, and says why', () => {
    const host = new GuardedHost([...BASICS, ...peers(1, 21)]);
    const before = host.world;
    const result = host.pass([...BASICS, ...peers(1, 10)], 0);
    assert.deepEqual(host.world, before);
    assert.equal(result.held.length, 33);
    assert.equal(result.heldForMs, 60_000);
    assert.equal(result.held[0]?.why, 'removing 11 of 21 peers looks like a mistake: held for 1m more');
  });

  it('holds the device and the address under a held route too', () => {
    const host = new GuardedHost([...BASICS, ...peers(1, 21)]);
    const before = host.world;
    host.pass([], 0);
    assert.deepEqual(host.world, before);
    host.pass([], 60_000);
    assert.deepEqual(host.world, []);
  });

  it('holds the source address that routes without a device of ours need', () => {
    const base: HostEntry = { kind: 'address', link: 'lo', address: baseOf(OWN), prefixLength: 32 };
    const host = new GuardedHost([base, ...numbers(1, 21).flatMap(directPeer)]);
    const before = host.world;
    host.pass([], 0);
    assert.deepEqual(host.world, before);
  });

  it('lets them go once they have been wanted for 60 s without a break', () => {
    const host = new GuardedHost([...BASICS, ...peers(1, 21)]);
    const before = host.world;
    for (const nowMs of [0, 1000, 59_999]) host.pass(BASICS, nowMs);
    assert.deepEqual(host.world, before);
    assert.equal(host.pass(BASICS, 60_000).heldForMs, undefined);
    assert.deepEqual(host.world, world(...BASICS));
  });

  it('begins anew when they were not wanted in between', () => {
    const all = [...BASICS, ...peers(1, 21)];
    const host = new GuardedHost(all);
    host.pass(BASICS, 0);
    host.pass(all, 30_000);
    host.pass(BASICS, 59_000);
    host.pass(BASICS, 100_000);
    assert.deepEqual(host.world, world(...all));
    host.pass(BASICS, 119_000);
    assert.deepEqual(host.world, world(...BASICS));
  });

  it('counts a mistake that comes in portions as one', () => {
    const host = new GuardedHost([...BASICS, ...peers(1, 30)]);
    host.pass([...BASICS, ...peers(1, 30)], 0);
    host.pass([...BASICS, ...peers(1, 14)], 1000);
    host.pass(BASICS, 50_000);
    assert.equal(host.entries.length, world(...BASICS, ...peers(1, 30)).length);
    host.pass(BASICS, 61_000);
    assert.deepEqual(host.world, world(...BASICS, ...peers(1, 14)), 'the first portion has waited its 60 s');
    host.pass(BASICS, 110_000);
    assert.deepEqual(host.world, world(...BASICS));
  });

  it('never holds a put, nor what a change of path leaves behind', () => {
    const host = new GuardedHost([...BASICS, ...peers(1, 40)]);
    const wanted = [...BASICS, ...numbers(1, 40).flatMap(directPeer), ...peers(100, 3)];
    assert.deepEqual(host.pass(wanted, 0).held, []);
    assert.deepEqual(host.world, world(...wanted));
  });

  it('never holds the old MAC of a peer that has a new one', () => {
    const host = new GuardedHost([...BASICS, ...peers(1, 40)]);
    const renewed = numbers(1, 40).flatMap((n) =>
      vxlanPeer(n).map((entry) =>
        entry.kind === 'neighbour' || entry.kind === 'fdb' ? { ...entry, mac: macFrom(`new ${n}`) } : entry,
      ),
    );
    assert.deepEqual(host.pass([...BASICS, ...renewed], 0).held, []);
    assert.deepEqual(host.world, world(...BASICS, ...renewed));
  });

  it('never holds a route whose place is taken by another, or by this host', () => {
    const host = new GuardedHost([...BASICS, ...peers(0, 40)]);
    const wide: HostEntry = {
      kind: 'route',
      destination: parseSubnet('10.42.0.0/20'),
      link: 'eth0',
      onlink: false,
    };
    const result = host.pass([...BASICS, wide], 0, { own: parseSubnet('10.42.16.0/24') });
    const gone = result.go.flatMap((change) =>
      change.op === 'remove' && change.was.kind === 'route' ? [change.was.destination] : [],
    );
    assert.deepEqual(gone.sort(), numbers(0, 17).map(subnetNumber).sort());
  });

  it('holds a peer of which the store says something unreadable, and looks again each minute', () => {
    const host = new GuardedHost([...BASICS, ...peers(1, 3)]);
    const unreadable = new Set([subnetNumber(2)]);
    for (const nowMs of [0, 90_000]) {
      const { held, heldForMs } = host.pass(BASICS, nowMs, { unreadable });
      assert.deepEqual([held.length, heldForMs], [3, 60_000]);
      assert.deepEqual(host.world, world(...BASICS, ...peers(2, 1)));
    }
    host.pass(BASICS, 150_000);
    assert.deepEqual(host.world, world(...BASICS));
  });

  it('holds the entries of a peer that still answers, however few and however long', () => {
    const host = new GuardedHost([...BASICS, ...peers(1, 3)]);
    const answering = new Set([subnetNumber(2)]);
    for (const nowMs of [0, 60_000, 3_600_000]) {
      const { held } = host.pass(BASICS, nowMs, { answering });
      assert.deepEqual(host.world, world(...BASICS, ...vxlanPeer(2)));
      assert.deepEqual([...new Set(held.map(({ why }) => why))], ['its lease is gone, but it still answers probes']);
    }
    assert.deepEqual(host.pass(BASICS, 3_700_000).held, []);
    assert.deepEqual(host.world, world(...BASICS));
  });

  it("holds a peer's routes that stand by with that of its traffic, and those alone", () => {
    const probe = (n: number): HostEntry => ({
      kind: 'route',
      metric: 8702,
      destination: subnetNumber(n),
      link: 'weft.1',
      onlink: true,
    });
    const host = new GuardedHost([...BASICS, ...peers(1, 21), ...numbers(1, 30).map(probe)]);
    host.pass(BASICS, 0);
    assert.deepEqual(host.world, world(...BASICS, ...peers(1, 21), ...numbers(1, 21).map(probe)));
  });

  it('counts peers, not entries: routes that stand by make no removal implausible', () => {
    const probe = (n: number): HostEntry => ({
      kind: 'route',
      metric: 8702,
      destination: subnetNumber(n),
      link: 'weft.1',
      onlink: true,
    });
    const host = new GuardedHost([...BASICS, ...peers(1, 21), ...numbers(1, 21).map(probe)]);
    assert.deepEqual(host.pass([...BASICS, ...peers(1, 21)], 0).held, []);
  });

  it('remembers, through passes over a few peers, what waits and how many there are', () => {
    const host = new GuardedHost([...BASICS, ...peers(1, 21)]);
    host.pass(BASICS, 0);
    const only = new Set(vxlanPeer(3).map(hostEntryKey));
    host.pass([], 30_000, { only });
    assert.equal(host.entries.length, BASICS.length + 63, 'still part of one implausible removal');
    host.pass(vxlanPeer(3), 40_000, { only });
    host.pass([...BASICS, ...vxlanPeer(3)], 60_000);
    assert.deepEqual(host.world, world(...BASICS, ...vxlanPeer(3)));
  });

  it('measures a pass over a few peers by how many there are in all', () => {
    const host = new GuardedHost([...BASICS, ...peers(1, 100)]);
    host.pass([...BASICS, ...peers(1, 100)], 0);
    const only = new Set(peers(1, 11).map(hostEntryKey));
    assert.deepEqual(host.pass([], 1000, { only }).held, []);
    assert.deepEqual(host.world, world(...BASICS, ...peers(12, 89)));
  });

  it('never drops a change: each goes or is held, in order, and what goes in the end is all of it', () => {
    const list = fc.uniqueArray(hostEntry, { selector: hostEntryKey, maxLength: 30 });
    fc.assert(
      fc.property(list, list, fc.integer({ min: 0, max: 30 }), fc.array(fc.nat(30)), (some, wanted, count, alive) => {
        const host = new GuardedHost([
          ...new Map([...some, ...peers(50, count)].map((entry) => [hostEntryKey(entry), entry])).values(),
        ]);
        const changes = diff(host.entries, wanted, HOST_ENTRIES);
        const answering = new Set(alive.map((n) => subnetNumber(50 + n)));
        const { go, held } = host.pass(wanted, 0, { answering });
        const heldTexts = new Set(held.map(({ change }) => changeText(change)));
        const texts = changes.map(changeText);
        assert.deepEqual(
          go.map(changeText),
          texts.filter((text) => !heldTexts.has(text)),
        );
        assert.deepEqual(
          [...heldTexts],
          texts.filter((text) => heldTexts.has(text)),
        );
        assert.equal(go.length + held.length, changes.length);
        assert.ok(held.every(({ change }) => change.op === 'remove'));
        host.pass(wanted, 60_000);
        assert.deepEqual(host.world, world(...wanted));
      }),
      { numRuns: 300 },
    );
  });

  it('holds thousands at once', () => {
    const host = new GuardedHost([...BASICS, ...peers(300, 5000)]);
    assert.equal(host.pass(BASICS, 0).held.length, 15_000);
  });
});
