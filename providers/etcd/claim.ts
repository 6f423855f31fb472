/** Claims: what `planClaim` decides, made atomic by checks on the keys as they were read. */
import type { Claimed, ClaimWish } from '../../src/contracts/lease-store.ts';
import { describeShortage } from '../../src/core/allocate.ts';
import { planClaim, type ClaimStep } from '../../src/core/claim-order.ts';
import { WeftError } from '../../src/core/errors.ts';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import { misfit } from '../../src/core/lease-range.ts';
import { encodeLeaseValue } from '../../src/core/lease-value.ts';
import type { Lease } from '../../src/core/lease.ts';
import { reservationKey } from '../../src/core/reservation.ts';
import type { Subnet } from '../../src/core/subnet.ts';
import { factsOf, quarantineEnds, readStanding, type Standing } from './claim-facts.ts';
import { asRead, NO_LEASE, type Check, type Entry, type Etcd, type Write } from './etcd.ts';
import { holderText, readLease } from './lease-rows.ts';
import { holding, release } from './ownership.ts';
import { giveUpTenure, grantTenure, type Tenure } from './tenure.ts';

const DEADLINE_MS = 30_000;

export async function claim(etcd: Etcd, wish: ClaimWish, signal: AbortSignal): Promise<Claimed> {
  // Needed whatever is found, but for the rare refusal: asked for while we read.
  const granting = grantTenure(etcd, wish.ttlMs, signal);
  granting.catch(() => undefined);
  try {
    const previous = wish.previous === undefined ? undefined : await ownPrevious(etcd, wish, wish.previous, signal);
    return await new Claim(etcd, wish, await granting, signal).run(previous);
  } catch (error) {
    const refused = error instanceof WeftError && (error.code === 'NO_SUBNET' || error.code === 'LEASE_TAKEN');
    if (refused) giveUpTenure(etcd, await granting);
    throw error;
  }
}

/** One read: the lease that this node had stands, and is its own. The rest is not worth knowing then. */
async function ownPrevious(
  etcd: Etcd,
  wish: ClaimWish,
  previous: Subnet,
  signal: AbortSignal,
): Promise<Entry | undefined> {
  if (misfit(wish.range, previous) !== undefined) return undefined;
  const key = leaseKeyOf({ v4: previous });
  const entry = await etcd.get(etcd.keys.lease(key), signal);
  if (entry === undefined) return undefined;
  const row = readLease(key, entry);
  return row.kind === 'leased' && row.node === wish.node ? entry : undefined;
}

class Claim {
  readonly #etcd: Etcd;
  readonly #wish: ClaimWish;
  readonly #tenure: Tenure;
  readonly #signal: AbortSignal;

  constructor(etcd: Etcd, wish: ClaimWish, tenure: Tenure, signal: AbortSignal) {
    this.#etcd = etcd;
    this.#wish = wish;
    this.#tenure = tenure;
    this.#signal = signal;
  }

  async run(previous: Entry | undefined): Promise<Claimed> {
    const kept = previous === undefined ? undefined : await this.#adopt(previous);
    if (kept !== undefined) return kept;
    const { clock } = this.#etcd;
    const deadlineMs = clock.now() + DEADLINE_MS;
    while (clock.now() < deadlineMs) {
      const claimed = await this.#round();
      // Else somebody was faster: look again, and choose again.
      if (claimed !== undefined) return claimed;
    }
    throw new WeftError(
      'STORE_TIMEOUT',
      `no subnet could be claimed in etcd below ${this.#etcd.keys.prefix} within ${DEADLINE_MS / 1000} s: others were faster each time`,
    );
  }

  async #round(): Promise<Claimed | undefined> {
    const etcd = this.#etcd;
    const wish = this.#wish;
    const below = (bound: number): number => etcd.random.below(bound);
    const standing = await readStanding(etcd, this.#signal);
    const plan = planClaim(wish, factsOf(standing), below);
    for (const lease of plan.release) await release(etcd, lease, this.#signal);
    const { step } = plan;
    switch (step.kind) {
      case 'none': {
        const ends = await quarantineEnds(etcd, standing, this.#signal);
        const again = planClaim(wish, factsOf(standing, ends), below).step;
        const { shortage } = again.kind === 'none' ? again : step;
        throw new WeftError('NO_SUBNET', describeShortage(shortage, wish));
      }
      case 'taken':
        throw new WeftError(
          'LEASE_TAKEN',
          `subnet ${step.subnet} ${step.why}; this node may not take another while something on it uses the old one`,
          { hint: 'stop what uses the old subnet, or allow another with --allow-renumber' },
        );
      case 'adopt': {
        const entry = standing.leases.get(step.lease.key);
        return entry === undefined ? undefined : this.#adopt(entry);
      }
      case 'create':
        return this.#create(step, standing);
    }
  }

  /** Undefined: it is not as it was read any more. */
  async #adopt(entry: Entry): Promise<Claimed | undefined> {
    const row = readLease(entry.key.slice(this.#etcd.keys.leases.length), entry);
    if (row.kind === 'bad') return undefined;
    const { lease } = row;
    const attributes = this.#wish.attributes(lease);
    const value = encodeLeaseValue(attributes);
    const own = row.forEver ? NO_LEASE : this.#tenure.own;
    const revision = await this.#write(`adopt lease ${lease.key}`, lease, value, own, [asRead(entry.key, entry)]);
    return revision === undefined
      ? undefined
      : { how: 'adopted', lease: { ...lease, attributes, version: String(revision.modified) } };
  }

  async #create(
    { subnet, over }: Extract<ClaimStep, { kind: 'create' }>,
    standing: Standing,
  ): Promise<Claimed | undefined> {
    const { keys } = this.#etcd;
    const key = leaseKeyOf({ v4: subnet });
    const old = over === undefined ? undefined : standing.leases.get(key);
    let held: Check = asRead(keys.held(key), standing.held.get(key));
    if (old !== undefined) {
      // In one transaction the key would keep its create_revision, and the epoch would not rise.
      const removed = await this.#remove(old, key);
      if (removed === undefined) return undefined;
      held = { key: keys.held(key), modified: removed };
    }
    const attributes = this.#wish.attributes(undefined);
    const reservation = keys.record('reservation', reservationKey(subnet));
    const written = await this.#write(
      `claim subnet ${subnet}`,
      { key },
      encodeLeaseValue(attributes),
      old?.lease === NO_LEASE ? NO_LEASE : this.#tenure.own,
      [
        { key: keys.lease(key), is: 'absent' },
        held,
        asRead(reservation, standing.reservations.get(reservationKey(subnet))),
      ],
    );
    if (written === undefined) return undefined;
    const { created, modified } = written;
    return {
      how: 'created',
      lease: { key, subnet: { v4: subnet }, attributes, epoch: created, version: String(modified) },
    };
  }

  /** Undefined: the checks did not hold. */
  async #write(
    doing: string,
    { key }: Pick<Lease, 'key'>,
    value: string,
    own: string,
    checks: readonly Check[],
  ): Promise<Pick<Entry, 'created' | 'modified'> | undefined> {
    const etcd = this.#etcd;
    const { node, ttlMs } = this.#wish;
    const writes: readonly Write[] = [
      ...holding(etcd, key, value, node, ttlMs, { ...this.#tenure, own }),
      { put: etcd.keys.lastOwner(key), value: holderText(node), lease: NO_LEASE },
    ];
    const look = etcd.keys.lease(key);
    const outcome = await etcd.transact({ doing, checks, writes, look }, this.#signal);
    if (outcome.done) return { created: outcome.revision, modified: outcome.revision };
    const { found } = outcome;
    // An attempt whose answer was lost: nobody else writes under our etcd lease, or in our name.
    const ours = own === NO_LEASE ? found?.value === value : found?.lease === own;
    return ours ? found : undefined;
  }

  /** The plain lease that stands where ours is to be; meanwhile `held` keeps the subnet for us. */
  async #remove(old: Entry, key: Lease['key']): Promise<number | undefined> {
    const { node, ttlMs } = this.#wish;
    const held: Write = {
      put: this.#etcd.keys.held(key),
      value: holderText(node, ttlMs),
      lease: this.#tenure.held,
    };
    const outcome = await this.#etcd.transact(
      {
        doing: `remove lease ${key}, which an earlier owner of this node's address wrote`,
        checks: [asRead(old.key, old)],
        writes: [{ remove: old.key }, held],
        look: old.key,
      },
      this.#signal,
    );
    return outcome.done ? outcome.revision : undefined;
  }
}
