/**
 * What the owner of a lease may do, told only by what the store confirmed and when.
 *
 *   starting --claimed--> held <---renewed / claimed--- unsure
 *                          |  ---TTL over, lease missing--->  |
 *                          '------ another owner shown ------>'----> fenced (for ever)
 *
 * Nothing here ticks: the phase is computed from the clock when it is asked for, so that a process which was paused wakes up unsure.
 */
import { backoffMs, type BackoffOptions } from './backoff.ts';
import { printDuration } from './duration.ts';
import type { OwnerPhase } from './status.ts';
import type { Subnet } from './subnet.ts';

export interface Holding {
  readonly subnet: Subnet;
  readonly epoch: number;
  readonly ttlMs: number;
  /** When the last request was sent that proved us alive. Sent, not answered: the store counts from no earlier. */
  readonly provenAt: number;
}

export interface Owner {
  /** Undefined: no lease yet. */
  readonly holding: Holding | undefined;
  /** Why the lease must be claimed again before it counts as ours, and since when. Only a claim sent later than that ends it. */
  readonly doubt: { readonly why: string; readonly since: number } | undefined;
  /** Why it is lost for good. */
  readonly fenced: string | undefined;
  readonly draining: boolean;
  /** Why the lease was released by somebody who sees this machine end; it is not claimed again. */
  readonly sentAway: string | undefined;
  /** Attempts to claim or renew that failed since the last that did not, and when the last of them ended. */
  readonly failures: number;
  readonly failedAt: number;
}

export const NEW_OWNER: Owner = {
  holding: undefined,
  doubt: undefined,
  fenced: undefined,
  draining: false,
  sentAway: undefined,
  failures: 0,
  failedAt: 0,
};

/** All times are of the monotonic clock. */
export type OwnerEvent =
  | {
      readonly kind: 'claimed';
      readonly sentAt: number;
      readonly subnet: Subnet;
      readonly epoch: number;
      readonly ttlMs: number;
    }
  | { readonly kind: 'renewed'; readonly sentAt: number; readonly epoch: number; readonly ttlMs: number }
  /** An attempt failed for a reason that says nothing about the lease: the store is away, slow, throttles. */
  | { readonly kind: 'failed'; readonly at: number }
  /** A renewal was refused: the lease is gone or another's. */
  | { readonly kind: 'refused'; readonly at: number }
  /** A claim of the very subnet we had was refused: another node holds it. */
  | { readonly kind: 'taken'; readonly at: number; readonly by: string }
  /** What a view of the cluster shows at our subnet. */
  | { readonly kind: 'shown'; readonly at: number; readonly lease: ShownLease | undefined }
  | { readonly kind: 'drain' }
  | { readonly kind: 'sent away'; readonly why: string };

export interface ShownLease {
  readonly epoch: number;
  /** `plain`: it names no node. A flanneld of this very host may have written it, so it is no proof of another owner. */
  readonly holder: 'self' | 'plain' | 'other';
  /** For people. */
  readonly name: string;
}

export function advance(owner: Owner, event: OwnerEvent): Owner {
  // A late answer to a request sent before the fence must not raise the dead.
  if (owner.fenced !== undefined) return owner;
  const { holding } = owner;
  switch (event.kind) {
    case 'claimed':
      return {
        ...owner,
        holding: { subnet: event.subnet, epoch: event.epoch, ttlMs: event.ttlMs, provenAt: event.sentAt },
        doubt: owner.doubt !== undefined && owner.doubt.since > event.sentAt ? owner.doubt : undefined,
        failures: 0,
      };
    case 'renewed':
      if (holding === undefined || event.epoch !== holding.epoch) return owner;
      return {
        ...owner,
        holding: { ...holding, ttlMs: event.ttlMs, provenAt: Math.max(holding.provenAt, event.sentAt) },
        failures: 0,
      };
    case 'failed':
      return { ...owner, failures: owner.failures + 1, failedAt: event.at };
    case 'refused':
      return holding === undefined
        ? owner
        : doubted(owner, event.at, `the store refused to renew the lease of ${holding.subnet}`);
    case 'taken':
      if (holding === undefined) return { ...owner, failures: owner.failures + 1, failedAt: event.at };
      return { ...owner, fenced: `${holding.subnet} belongs to ${event.by} now` };
    case 'shown':
      return holding === undefined ? owner : judge(owner, holding, event.at, event.lease);
    case 'drain':
      return { ...owner, draining: true };
    case 'sent away':
      return { ...owner, draining: true, sentAway: event.why };
  }
}

const doubted = (owner: Owner, at: number, why: string): Owner => ({
  ...owner,
  doubt: { why, since: Math.max(at, owner.doubt?.since ?? at) },
});

/**
 * Views may lag behind our own claim: an epoch below ours is old news. A view that lacks our lease may be old too, but nothing in it says so;
 * then the claim that it leads to finds everything right.
 */
function judge(owner: Owner, { subnet, epoch }: Holding, at: number, shown: ShownLease | undefined): Owner {
  if (shown === undefined) return doubted(owner, at, `the store shows no lease of ${subnet}`);
  if (shown.epoch < epoch || (shown.epoch === epoch && shown.holder === 'self')) return owner;
  if (shown.holder === 'other' && shown.epoch > epoch)
    return { ...owner, fenced: `${subnet} belongs to ${shown.name} now (epoch ${shown.epoch}, ours was ${epoch})` };
  return doubted(
    owner,
    at,
    `the lease of ${subnet} was written by ${shown.name} (epoch ${shown.epoch}, ours is ${epoch})`,
  );
}

/** How long the store takes the lease for alive without hearing from us; negative when it is over. */
export const remainingMs = ({ provenAt, ttlMs }: Holding, now: number): number => provenAt + ttlMs - now;

export function phaseOf(owner: Owner, now: number): OwnerPhase {
  if (owner.fenced !== undefined) return 'fenced';
  if (owner.draining) return 'draining';
  if (owner.holding === undefined) return 'starting';
  return owner.doubt === undefined && remainingMs(owner.holding, now) > 0 ? 'held' : 'unsure';
}

/** Why this node is not ready as far as its lease goes; undefined when it is. */
export function unreadyReason(owner: Owner, now: number): string | undefined {
  const { holding } = owner;
  switch (phaseOf(owner, now)) {
    case 'held':
      return undefined;
    case 'fenced':
      return owner.fenced;
    case 'draining':
      return 'draining';
    case 'starting':
      return 'no lease yet';
    case 'unsure':
      return (
        owner.doubt?.why ??
        `the lease was not renewed for ${printDuration(now - (holding?.provenAt ?? now))}, longer than its TTL of ${printDuration(holding?.ttlMs ?? 0)}`
      );
  }
}

/**
 * May a call that changes cloud routes be made now? Only while no other node can own the subnet before the call's deadline has passed. Ask again
 * before each attempt: a signed request that waits in a queue outlives the check.
 */
export function mayWriteRoutes(owner: Owner, now: number, deadlineMs: number): boolean {
  return (
    owner.holding !== undefined &&
    owner.fenced === undefined &&
    owner.sentAway === undefined &&
    owner.doubt === undefined &&
    remainingMs(owner.holding, now) > deadlineMs
  );
}

export type OwnerStep =
  /** Claim a subnet: the one named, or any when none is. */
  | { readonly kind: 'claim'; readonly at: number; readonly subnet: Subnet | undefined }
  | { readonly kind: 'renew'; readonly at: number }
  /** `fenced`: remove own peer entries and tunnels, and end with exit code 4. `sent away`: leave as if drained. */
  | { readonly kind: 'stop'; readonly how: 'fenced' | 'sent away'; readonly why: string };

export interface OwnerPolicy {
  /** Renew at least this long before the end (flannel's `subnet-lease-renew-margin`). */
  readonly marginMs: number;
  readonly backoff: BackoffOptions;
}

/** A renewal comes up to this part of its interval early, so that hosts that started together drift apart. */
const JITTER = 0.1;

/** What to do next, and when. `fraction`: by chance, from 0 up to 1; drawn anew after each event. */
export function nextStep(owner: Owner, fraction: number, policy: OwnerPolicy): OwnerStep {
  const { holding, failures } = owner;
  if (owner.fenced !== undefined) return { kind: 'stop', how: 'fenced', why: owner.fenced };
  if (owner.sentAway !== undefined) return { kind: 'stop', how: 'sent away', why: owner.sentAway };
  const retryAt = failures === 0 ? 0 : owner.failedAt + backoffMs(failures, fraction, policy.backoff);
  if (holding === undefined || owner.doubt !== undefined)
    return { kind: 'claim', at: retryAt, subnet: holding?.subnet };
  return {
    kind: 'renew',
    at:
      failures === 0
        ? holding.provenAt + renewalInterval(holding.ttlMs, policy.marginMs) * (1 - JITTER * fraction)
        : retryAt,
  };
}

/** A third of the TTL leaves two more chances; a margin that is longer than the TTL (flannel's hour against a short one) says nothing. */
const renewalInterval = (ttlMs: number, marginMs: number): number =>
  marginMs < ttlMs ? Math.min(ttlMs / 3, ttlMs - marginMs) : ttlMs / 3;

/**
 * May a restarted daemon whose subnet went to another node take a new one? Containers that live in the old one would be cut off for ever,
 * and silently.
 */
export function renumbering(
  previous: Subnet,
  localUsers: readonly string[],
  allowed: boolean,
): { readonly may: true } | { readonly may: false; readonly why: string } {
  if (allowed || localUsers.length === 0) return { may: true };
  return { may: false, why: `${previous} belongs to another node now, and is in use here: ${localUsers.join(', ')}` };
}
