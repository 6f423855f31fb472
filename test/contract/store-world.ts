/** What the suites of LeaseStore and Records need from each store, and the values they are written with. */
import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import type { ClaimWish, LeaseRange, LeaseStore, ViewChange } from '../../src/contracts/lease-store.ts';
import type { Records } from '../../src/contracts/records.ts';
import { parseAddress, type Address } from '../../src/core/address.ts';
import { WeftError, type ErrorCode } from '../../src/core/errors.ts';
import type { LeaseAttributes, LeaseView } from '../../src/core/lease.ts';
import { macFrom } from '../../src/core/mac.ts';
import { parseNodeId, type NodeId } from '../../src/core/node-id.ts';
import { baseOf, parseSubnet } from '../../src/core/subnet.ts';
import type { ManualClock } from '../fakes/manual-clock.ts';

/** One node's connection. Each has a clock of its own: no store may depend on two of them agreeing. */
export interface Peer {
  readonly store: LeaseStore;
  readonly records: Records;
  readonly clock: ManualClock;
}

/** A store that is empty at first, and whatever is needed to try it. */
export interface StoreWorld {
  open(): Peer;
  /** Writes an entry below the leases' keys as flanneld does, or garbage: both texts as they are. */
  writeForeign(key: string, value: string): Promise<void>;
  /** The store's own time goes on, or it believes so: quarantines end. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** A signal that never fires, for any number of calls at once. */
export function never(): AbortSignal {
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  return signal;
}

/** /24s from .1 to .`last` of 10.42.0.0/16. */
export const range = (last: number, first = 1): LeaseRange => ({
  network: parseSubnet('10.42.0.0/16'),
  subnetLength: 24,
  min: parseAddress(`10.42.${first}.0`),
  max: parseAddress(`10.42.${last}.0`),
});

export const node = (name: string | number): NodeId => parseNodeId(`node-${name}`);

export const publicIP = (last: number): Address => parseAddress(`192.0.2.${last}`);

export function attributes(owner: NodeId, incarnation = 1, address: Address = publicIP(1)): LeaseAttributes {
  const mac = macFrom(owner);
  return {
    publicIP: address,
    backendType: 'vxlan',
    backendData: { VNI: 1, VtepMAC: mac },
    weft: { node: owner, incarnation, mtuBytes: 1500, vxlan: { vni: 1, mac, port: 8472 } },
  };
}

export function wish(
  owner: NodeId,
  changes: Partial<Omit<ClaimWish, 'node' | 'attributes'>> & { readonly incarnation?: number } = {},
): ClaimWish {
  const { incarnation = 1, ...rest } = changes;
  return {
    node: owner,
    publicIP: publicIP(1),
    range: range(200),
    within: [],
    mayRenumber: true,
    attributes: () => attributes(owner, incarnation, rest.publicIP),
    ttlMs: HOUR,
    ...rest,
  };
}

/** What `flanneld` of today writes: FLANNEL.md 2.2. */
export const flanneldValue = (address: Address): string =>
  `{"PublicIP":"${address}","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"ae:f2:1a:4a:99:66"}}`;

export async function rejectsWith(code: ErrorCode, work: Promise<unknown>): Promise<WeftError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof WeftError, `expected ${code}, got ${error instanceof Error ? error.message : 'no error'}`);
  assert.equal(error.code, code, error.message);
  return error;
}

/** A view as sorted text: "10.42.1.0-24 node-1 epoch 3". */
export const viewText = (view: LeaseView, fields: 'owners' | 'epochs' = 'owners'): string[] =>
  [...view.leases.values()]
    .map(
      ({ key, attributes: { weft, publicIP: address }, epoch }) =>
        `${key} ${weft?.node ?? address}${fields === 'epochs' ? ` epoch ${epoch}` : ''}`,
    )
    .toSorted();

/** Somebody who watches: time goes on for him alone, while he waits. */
export class Watcher {
  readonly troubles: unknown[] = [];
  readonly #peer: Peer;
  readonly #stop = new AbortController();
  readonly #views: AsyncIterator<ViewChange>;
  #coming: Promise<IteratorResult<ViewChange>> | undefined;

  constructor(peer: Peer, reading: 'quick' | 'exact' = 'quick') {
    this.#peer = peer;
    const views = peer.store.watch(this.#stop.signal, (error) => this.troubles.push(error), reading);
    this.#views = views[Symbol.asyncIterator]();
  }

  async next(): Promise<ViewChange> {
    const { done, value } = await this.#peer.clock.during(this.#ask());
    this.#coming = undefined;
    assert.ok(done !== true, 'the watch ended');
    return value;
  }

  /** Time goes on by so much at once, and he looks. Undefined: he saw nothing new. */
  async after(ms: number): Promise<ViewChange | undefined> {
    const { clock } = this.#peer;
    let came = false;
    const coming = this.#ask().then(() => (came = true));
    await Promise.race([clock.untilAsleep(), coming]);
    if (!came) await clock.advance(ms);
    await Promise.race([clock.untilAsleep(), coming]);
    return came ? this.next() : undefined;
  }

  /** Views until one is as wanted; `changed` is of all of them together. */
  async until(wanted: (view: LeaseView) => boolean, most = 50): Promise<ViewChange> {
    let changed: ViewChange['changed'] = new Set();
    for (let views = 0; views < most; views++) {
      const next = await this.next();
      changed = changed === 'all' || next.changed === 'all' ? 'all' : new Set([...changed, ...next.changed]);
      if (wanted(next.view)) return { view: next.view, changed };
    }
    throw new assert.AssertionError({ message: `no view of ${most} was as wanted` });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#views.return?.();
  }

  #ask(): Promise<IteratorResult<ViewChange>> {
    this.#coming ??= this.#views.next();
    return this.#coming;
  }
}

/** The view as a node that starts now gets it. */
export async function freshView(world: StoreWorld): Promise<LeaseView> {
  const watcher = new Watcher(world.open());
  const { view } = await watcher.next();
  await watcher.stop();
  return view;
}

export const subnetsOf = (view: LeaseView): string[] =>
  [...view.leases.values()].map(({ subnet }) => baseOf(subnet.v4)).toSorted();
