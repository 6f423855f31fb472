/**
 * That this host's interface takes packets of other addresses. A node that may not switch its check off, where the reconciler does what nodes may not, waits
 * for the reconciler.
 */
import type { Clock } from '../contracts/clock.ts';
import type { CloudNetwork } from '../contracts/cloud-network.ts';
import { asWeftError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { RouteWriter } from '../core/route-writer.ts';
import { findingOf } from './findings.ts';

/** Looks that follow each other, as where all hosts start at once, need not see to the interface each time. */
const PREPARED_FOR_MS = 60_000;
/** A reconciler that is alive has come by then: it runs when a lease is new, and every few minutes. */
const AWAITED_MS = 2 * 60_000;

export class Forwarding {
  readonly #parts: { readonly cloud: Pick<CloudNetwork, 'prepare'>; readonly clock: Clock };
  #prepared: { readonly target: string; readonly atMs: number } | undefined;
  #awaited: { readonly target: string; readonly sinceMs: number } | undefined;

  constructor(parts: { readonly cloud: Pick<CloudNetwork, 'prepare'>; readonly clock: Clock }) {
    this.#parts = parts;
  }

  /** The next question is asked of the cloud. */
  doubt(): void {
    this.#prepared = undefined;
  }

  /** @returns whether the interface, where it is known, forwards; what a person should know of it otherwise goes into `found`. Rejects with ABORTED alone. */
  async ensure(
    target: string | undefined,
    mode: RouteWriter['mode'],
    found: Finding[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const { cloud, clock } = this.#parts;
    if (target === undefined) return true;
    const nowMs = clock.now();
    if (this.#prepared?.target === target && nowMs < this.#prepared.atMs + PREPARED_FOR_MS) return true;
    try {
      await cloud.prepare(target, signal);
      this.#prepared = { target, atMs: nowMs };
      this.#awaited = undefined;
      return true;
    } catch (error) {
      if (signal.aborted) throw error;
      if (mode === 'reconciler' && asWeftError(error).code === 'CLOUD_DENIED') found.push(...this.#await(target));
      else found.push(findingOf(error));
      return false;
    }
  }

  #await(target: string): Finding[] {
    const nowMs = this.#parts.clock.now();
    if (this.#awaited?.target !== target) this.#awaited = { target, sinceMs: nowMs };
    if (nowMs < this.#awaited.sinceMs + AWAITED_MS) return [];
    const message = `the source/destination check of ${target} is still on, this node has no right to switch it off, and the reconciler has not done so: peers reach this host by tunnels. See whether a reconciler runs (weftd audit), or give the node's role ec2:ModifyNetworkInterfaceAttribute`;
    return [{ code: 'RECONCILER_AWAITED', message }];
  }
}
