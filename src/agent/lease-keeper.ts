/**
 * Keeps the lease alive and true: renews it, claims it again when it is doubted, and says so when it is lost. What may be done, and when, is
 * told by `core/owner.ts`; this is the part that talks to the store.
 */
import type { Clock } from '../contracts/clock.ts';
import type { ClaimWish, LeaseStore } from '../contracts/lease-store.ts';
import type { Log } from '../contracts/log.ts';
import type { Random } from '../contracts/random.ts';
import { asWeftError } from '../core/errors.ts';
import type { Lease, LeaseAttributes, LeaseView } from '../core/lease.ts';
import { encodeLeaseValue } from '../core/lease-value.ts';
import {
  advance,
  mayWriteRoutes,
  NEW_OWNER,
  nextStep,
  phaseOf,
  unreadyReason,
  type Owner,
  type ShownLease,
} from '../core/owner.ts';
import type { OwnerPhase } from '../core/status.ts';
import type { AgentOptions } from './agent-parts.ts';
import { Bell } from '../core/bell.ts';
import { findingOf, type Findings } from './findings.ts';

/** What a claim of the subnet in hand asks for, besides the subnet itself. */
export type StandingWish = Omit<ClaimWish, 'previous' | 'mayRenumber' | 'attributes'>;

export interface KeeperParts {
  readonly store: LeaseStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly findings: Findings;
  readonly options: Pick<AgentOptions, 'renewMarginMs'>;
  readonly wish: () => StandingWish;
  /** The lease is ours under a new epoch: views that show it under an older one are old. */
  readonly onClaim: () => void;
  /** Why this machine is on its way out, by the word of whoever has released its lease for that; undefined: it is not. */
  readonly sentAway: (signal: AbortSignal) => Promise<string | undefined>;
}

/** How a lease is lost for good. */
export interface KeeperEnd {
  readonly how: 'fenced' | 'sent away';
  readonly why: string;
}

const BACKOFF = { baseMs: 1000, capMs: 60_000, floorMs: 500 };

/** How old the store's word may be when something is done by it that harms whoever owns the subnet now. */
const PROOF_MS = 30_000;

/** Versions of our own writes that a view, which may lag behind, is still expected to show. */
const REMEMBERED_VERSIONS = 8;

export class LeaseKeeper {
  readonly #parts: KeeperParts;
  readonly #bell = new Bell();
  #owner: Owner;
  #lease: Lease;
  #wanted: LeaseAttributes;
  #mustWrite = false;
  /** What stands at our subnet says nothing of an owner: by another hand, and no proof that another node has it. */
  #unreadable = false;
  #versions: readonly string[];
  #phase: OwnerPhase = 'held';
  readonly #renewals = { made: 0, failed: 0 };

  /** @param sentAt when the claim was sent */
  constructor(
    parts: KeeperParts,
    claimed: { readonly lease: Lease; readonly adopted: Lease | undefined; readonly sentAt: number },
  ) {
    const { lease, adopted, sentAt } = claimed;
    this.#parts = parts;
    this.#lease = lease;
    this.#wanted = lease.attributes;
    this.#versions = adopted === undefined ? [lease.version] : [adopted.version, lease.version];
    this.#owner = advance(NEW_OWNER, this.#claimedEvent(lease, sentAt));
  }

  get lease(): Lease {
    return this.#lease;
  }

  get phase(): OwnerPhase {
    return phaseOf(this.#owner, this.#parts.clock.now());
  }

  /** Why this node is not ready as far as its lease goes; undefined when it is. */
  get unready(): string | undefined {
    return unreadyReason(this.#owner, this.#parts.clock.now());
  }

  get renewals(): { readonly made: number; readonly failed: number } {
    return this.#renewals;
  }

  /** What the lease is to say from now on. Written when it differs from what it says. */
  advertise(attributes: LeaseAttributes): void {
    this.#wanted = attributes;
    if (this.#differs(this.#lease.attributes)) this.#bell.ring();
  }

  /** Writes the lease as it ought to be although nothing of ours has changed: another hand was there. */
  reassert(): void {
    this.#mustWrite = true;
    this.#bell.ring();
  }

  /** @returns the lease at our subnet when it was written by a stranger to this process, under our own node id and epoch */
  see(view: LeaseView): Lease | undefined {
    const { key } = this.#lease;
    const shown = view.leases.get(key);
    const at = this.#parts.clock.now();
    this.#unreadable = shown === undefined && view.skipped.some((skipped) => skipped.key === key);
    if (this.#unreadable) {
      this.reassert();
      return undefined;
    }
    this.#owner = advance(this.#owner, {
      kind: 'shown',
      at,
      lease: shown === undefined ? undefined : this.#shownLease(shown),
    });
    this.#bell.ring();
    if (shown === undefined || shown.epoch !== this.#lease.epoch || this.#versions.includes(shown.version))
      return undefined;
    return this.#differs(shown.attributes) ? shown : undefined;
  }

  /**
   * May a call that changes cloud routes be made now? Only by what the store has said a moment ago: it is asked again when it has not.
   * Rejects with ABORTED alone.
   */
  async mayWriteRoutes(deadlineMs: number, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#parts;
    const isProven = (): boolean => clock.now() - (this.#owner.holding?.provenAt ?? -Infinity) <= PROOF_MS;
    if (!isProven() && mayWriteRoutes(this.#owner, clock.now(), deadlineMs)) await this.#renew(signal);
    return isProven() && mayWriteRoutes(this.#owner, clock.now(), deadlineMs);
  }

  drain(): void {
    this.#owner = advance(this.#owner, { kind: 'drain' });
  }

  /** Resolves when the lease is lost for good, with the reason. Rejects with ABORTED. */
  async run(signal: AbortSignal): Promise<KeeperEnd> {
    const { clock, random, options } = this.#parts;
    const policy = { marginMs: options.renewMarginMs, backoff: BACKOFF };
    for (;;) {
      const step = nextStep(this.#owner, random.fraction(), policy);
      this.#tellPhase();
      if (step.kind === 'stop') return { how: step.how, why: step.why };
      const nowMs = clock.now();
      const dirty = this.#owner.failures === 0 && (this.#mustWrite || this.#differs(this.#lease.attributes));
      if (step.at > nowMs && !dirty)
        await this.#bell.wait(clock, Math.min(step.at, this.#endsAt(nowMs)) - nowMs, signal);
      else if (step.kind === 'claim') await this.#claim(signal);
      else await this.#renew(signal);
    }
  }

  /** When the phase changes by mere time. */
  #endsAt(nowMs: number): number {
    const { holding } = this.#owner;
    const end = holding === undefined ? Infinity : holding.provenAt + holding.ttlMs;
    return end > nowMs ? end : Infinity;
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const { store, clock, wish } = this.#parts;
    const sentAt = clock.now();
    const { ttlMs } = wish();
    const attributes = this.#wanted;
    try {
      const lease = await store.renew(this.#lease, attributes, ttlMs, signal);
      this.#take(lease);
      this.#renewals.made += 1;
      this.#owner = advance(this.#owner, { kind: 'renewed', sentAt, epoch: lease.epoch, ttlMs });
    } catch (error) {
      if (signal.aborted) throw error;
      if (asWeftError(error).code === 'LEASE_LOST')
        this.#owner = advance(this.#owner, { kind: 'refused', at: clock.now() });
      else this.#failed(error);
    }
  }

  async #claim(signal: AbortSignal): Promise<void> {
    const { store, clock, log, wish } = this.#parts;
    const sentAt = clock.now();
    const attributes = this.#wanted;
    const previous = this.#lease.subnet.v4;
    try {
      const gone = await this.#parts.sentAway(signal);
      if (gone !== undefined) {
        this.#owner = advance(this.#owner, { kind: 'sent away', why: gone });
        return;
      }
      const { lease } = await store.claim(
        { ...wish(), previous, mayRenumber: false, attributes: () => attributes },
        signal,
      );
      if (lease.key !== this.#lease.key) {
        // Another run of this node took another subnet meanwhile; two are not for one host.
        this.#owner = advance(this.#owner, {
          kind: 'taken',
          at: clock.now(),
          by: `somebody else: this node has ${lease.subnet.v4}`,
        });
        return;
      }
      const { epoch } = this.#lease;
      this.#take(lease);
      this.#owner = advance(this.#owner, this.#claimedEvent(lease, sentAt));
      if (lease.epoch === epoch) return;
      log.info({ subnet: previous, epoch: lease.epoch }, 'lease claimed again');
      this.#parts.onClaim();
    } catch (error) {
      if (signal.aborted) throw error;
      if (asWeftError(error).code === 'LEASE_TAKEN' && !this.#unreadable)
        this.#owner = advance(this.#owner, { kind: 'taken', at: clock.now(), by: 'another node' });
      else this.#failed(error);
    }
  }

  #take(lease: Lease): void {
    this.#lease = lease;
    this.#mustWrite = false;
    this.#versions = [...this.#versions, lease.version].slice(-REMEMBERED_VERSIONS);
    this.#parts.findings.clear('lease');
    this.#parts.findings.clear('store');
  }

  #failed(error: unknown): void {
    const { findings, clock } = this.#parts;
    const { code } = asWeftError(error);
    this.#renewals.failed += 1;
    findings.set(code.startsWith('STORE_') ? 'store' : 'lease', [findingOf(error)]);
    this.#owner = advance(this.#owner, { kind: 'failed', at: clock.now() });
  }

  #claimedEvent({ subnet, epoch }: Lease, sentAt: number): Parameters<typeof advance>[1] {
    return { kind: 'claimed', sentAt, subnet: subnet.v4, epoch, ttlMs: this.#parts.wish().ttlMs };
  }

  #shownLease({ epoch, attributes }: Lease): ShownLease {
    const { weft, publicIP } = attributes;
    const holder = weft === undefined ? 'plain' : weft.node === this.#parts.wish().node ? 'self' : 'other';
    return { epoch, holder, name: weft === undefined ? `a plain flanneld at ${publicIP}` : `node ${weft.node}` };
  }

  #differs(attributes: LeaseAttributes): boolean {
    return encodeLeaseValue(attributes) !== encodeLeaseValue(this.#wanted);
  }

  #tellPhase(): void {
    const { phase } = this;
    if (phase === this.#phase) return;
    const fields = { subnet: this.#lease.subnet.v4, epoch: this.#lease.epoch };
    if (phase === 'held') this.#parts.log.info(fields, 'lease is held again');
    else if (phase === 'unsure') this.#parts.log.warn({ ...fields, why: this.unready }, 'lease is unsure');
    else if (phase === 'fenced') this.#parts.log.error({ ...fields, why: this.unready }, 'lease is lost');
    this.#phase = phase;
  }
}
