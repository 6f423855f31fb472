/** `LeaseStore` in memory: the whole contract, with the faults that a test asks for (MemoryNetwork). */
import { Bell } from '../../src/core/bell.ts';
import type { Clock } from '../../src/contracts/clock.ts';
import type { Claimed, ClaimWish, LeaseStore, ViewChange } from '../../src/contracts/lease-store.ts';
import type { Random } from '../../src/contracts/random.ts';
import { describeShortage } from '../../src/core/allocate.ts';
import { planClaim, type ClaimFacts } from '../../src/core/claim-order.ts';
import { WeftError } from '../../src/core/errors.ts';
import { leaseKeyOf, parseLeaseKey, LEASE_KEY_FORM } from '../../src/core/lease-key.ts';
import { decodeLeaseValue, encodeLeaseValue } from '../../src/core/lease-value.ts';
import type { Lease, LeaseAttributes, LeaseKey, LeaseSubnet, LeaseView, StoredConfig } from '../../src/core/lease.ts';
import { readReservation } from '../../src/core/reservation.ts';
import type { HeldLease, MemoryNetwork } from './memory-network.ts';
import { MemorySightings } from './memory-sightings.ts';

const QUARANTINE_MS = 15 * 60_000;
const RETRY_MS = 1000;
const DAY_MS = 24 * 3_600_000;

export class MemoryStore implements LeaseStore {
  readonly #network: MemoryNetwork;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(network: MemoryNetwork, clock: Clock, random: Random) {
    this.#network = network;
    this.#clock = clock;
    this.#random = random;
  }

  config(signal: AbortSignal): Promise<StoredConfig | undefined> {
    return this.#network.call('config', signal, () => this.#network.config);
  }

  writeConfig(text: string, ifVersion: string | 'absent' | undefined, signal: AbortSignal): Promise<StoredConfig> {
    return this.#network.call('writeConfig', signal, () => {
      const version = this.#network.config?.version ?? 'absent';
      if (ifVersion !== undefined && ifVersion !== version)
        throw new WeftError('RECORD_CHANGED', `the network config is of version ${version}, not ${ifVersion}`);
      this.#network.config = { text, version: String(this.#network.draw()) };
      this.#network.changed();
      return this.#network.config;
    });
  }

  async *watch(signal: AbortSignal, onTrouble: (error: unknown) => void = () => undefined): AsyncGenerator<ViewChange> {
    const bell = new Bell();
    const leave = this.#network.listen(() => bell.ring());
    const sightings = new MemorySightings();
    let last: LeaseView | undefined;
    let troubled = false;
    try {
      while (!signal.aborted) {
        let view: LeaseView;
        try {
          view = await this.#network.call('watch', signal, () => this.#view(sightings));
          if (troubled) onTrouble(undefined);
          troubled = false;
        } catch (error) {
          if (signal.aborted) return;
          troubled = true;
          onTrouble(error);
          await this.#clock.sleep(RETRY_MS, signal).catch(() => undefined);
          continue;
        }
        const changed = changedKeys(last, view);
        if (last === undefined || changed.size > 0 || differs(last, view)) {
          const change: ViewChange = { view, changed: last === undefined ? 'all' : changed };
          last = view;
          yield change;
        } else {
          const ms = sightings.nextMs(this.#clock.now()) ?? Infinity;
          await bell.wait(this.#clock, ms, signal).catch(() => undefined);
        }
      }
    } finally {
      leave();
    }
  }

  claim(wish: ClaimWish, signal: AbortSignal): Promise<Claimed> {
    return this.#network.call('claim', signal, () => {
      const { release, step } = planClaim(wish, this.#facts(), (bound) => this.#random.below(bound));
      for (const lease of release) this.#free(lease.key);
      if (step.kind === 'none') throw new WeftError('NO_SUBNET', describeShortage(step.shortage, wish));
      if (step.kind === 'taken') throw new WeftError('LEASE_TAKEN', `subnet ${step.subnet} ${step.why}`);
      const adopted = step.kind === 'adopt' ? step.lease : undefined;
      const subnet: LeaseSubnet = step.kind === 'adopt' ? step.lease.subnet : { v4: step.subnet };
      const attributes = wish.attributes(adopted);
      const lease = this.#write(subnet, attributes, adopted?.epoch, wish.ttlMs);
      return { lease, how: adopted === undefined ? 'created' : 'adopted' };
    });
  }

  renew(lease: Lease, attributes: LeaseAttributes, ttlMs: number, signal: AbortSignal): Promise<Lease> {
    return this.#network.call('renew', signal, () => {
      const held = this.#network.leases.get(lease.key);
      if (held === undefined) throw new WeftError('LEASE_LOST', `lease ${lease.key} is gone`);
      if (held.node !== attributes.weft?.node || held.lease.epoch !== lease.epoch)
        throw new WeftError(
          'LEASE_LOST',
          `lease ${lease.key} belongs to node ${held.node ?? '(a flanneld)'} now, epoch ${held.lease.epoch}`,
        );
      return this.#write(lease.subnet, attributes, lease.epoch, ttlMs);
    });
  }

  release(lease: Lease, signal: AbortSignal): Promise<void> {
    return this.#network.call('release', signal, () => {
      const held = this.#network.leases.get(lease.key);
      if (held === undefined) return;
      if (held.lease.version !== lease.version)
        throw new WeftError('RECORD_CHANGED', `lease ${lease.key} was renewed or changed since`);
      this.#free(lease.key);
    });
  }

  /** Writes below the leases' keys as a flanneld does, or as whoever writes garbage. */
  writeForeign(key: string, value: string): void {
    const read = parseLeaseKey(key);
    const decoded = decodeLeaseValue(value);
    this.#network.leases.delete(key as LeaseKey);
    this.#network.garbage.delete(key);
    if (read === undefined) this.#network.garbage.set(key, LEASE_KEY_FORM);
    else if (decoded.kind === 'unreadable') this.#network.garbage.set(key, decoded.why);
    else this.#write(read.subnet, decoded.attributes, undefined, DAY_MS);
    this.#network.changed();
  }

  #write(subnet: LeaseSubnet, attributes: LeaseAttributes, epoch: number | undefined, ttlMs: number): Lease {
    const key = leaseKeyOf(subnet);
    const before = this.#network.leases.get(key);
    const seq = this.#network.draw();
    const lease: Lease = { key, subnet, attributes, epoch: epoch ?? seq, version: String(seq) };
    this.#network.leases.set(key, { lease, node: attributes.weft?.node, ttlMs });
    this.#network.freed.delete(key);
    if (before === undefined || !same(before.lease, lease)) this.#network.changed();
    return lease;
  }

  #free(key: LeaseKey): void {
    const held = this.#network.leases.get(key);
    if (held === undefined) return;
    this.#network.leases.delete(key);
    this.#network.freed.set(key, { subnet: held.lease.subnet, node: held.node, freedAtMs: this.#network.clock.now() });
    this.#network.draw();
    this.#network.changed();
  }

  #facts(): ClaimFacts {
    const { leases, freed, garbage, clock, records } = this.#network;
    return {
      leases: leases.values(),
      freed: [...freed.values()].map(({ subnet, node, freedAtMs }) => ({
        subnet: subnet.v4,
        node,
        freedAt: freedAtMs,
        quarantineMs: freedAtMs + QUARANTINE_MS - clock.now(),
      })),
      reserved: [...(records.get('reservation') ?? new Map()).values()].flatMap(
        ({ key, value }) => readReservation(key, value) ?? [],
      ),
      unreadable: [...garbage.keys()].flatMap((key) => parseLeaseKey(key)?.subnet.v4 ?? []),
    };
  }

  #view(sightings: MemorySightings): LeaseView {
    const held: HeldLease[] = [...this.#network.leases.values()];
    return {
      revision: String(this.#network.seq),
      config: this.#network.config,
      leases: new Map(held.map(({ lease }) => [lease.key, lease])),
      expired: sightings.expired(held, this.#clock.now()),
      skipped: [...this.#network.garbage].map(([key, why]) => ({ key, why })),
      findings: [],
    };
  }
}

const same = (a: Lease, b: Lease): boolean =>
  a.epoch === b.epoch && encodeLeaseValue(a.attributes) === encodeLeaseValue(b.attributes);

function changedKeys(last: LeaseView | undefined, view: LeaseView): Set<LeaseKey> {
  const keys = new Set<LeaseKey>();
  for (const [key, lease] of view.leases) {
    const before = last?.leases.get(key);
    if (before === undefined || !same(before, lease)) keys.add(key);
  }
  for (const key of last?.leases.keys() ?? []) if (!view.leases.has(key)) keys.add(key);
  return keys;
}

const differs = (a: LeaseView, b: LeaseView): boolean =>
  a.config?.version !== b.config?.version ||
  [...a.expired].join() !== [...b.expired].join() ||
  JSON.stringify(a.skipped) !== JSON.stringify(b.skipped);
