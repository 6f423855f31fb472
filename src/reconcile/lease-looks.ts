/** What the store says of leases and of who writes routes, as new as a call that changes the cloud needs it. */
import type { Clock } from '../contracts/clock.ts';
import type { LeaseStore } from '../contracts/lease-store.ts';
import type { Records } from '../contracts/records.ts';
import { asWeftError, WeftError } from '../core/errors.ts';
import { parseLeaseKey } from '../core/lease-key.ts';
import type { Lease, LeaseView } from '../core/lease.ts';
import { ROUTE_WRITER_KEY, routeWriter, type RouteWriter } from '../core/route-writer.ts';
import type { Subnet } from '../core/subnet.ts';

export interface LeaseLooksParts {
  readonly store: LeaseStore;
  readonly records: Records;
  readonly clock: Clock;
}

/** By their IPv4 subnet, the newest first. There is one of each, but by another hand: keys may differ in IPv6 alone. */
type ByDestination = ReadonlyMap<Subnet, readonly Lease[]>;

interface Look {
  readonly atMs: number;
  readonly view: LeaseView;
  readonly byDestination: ByDestination;
  /** Undefined: no record says it. */
  readonly writer: RouteWriter | undefined;
}

export class LeaseLooks {
  readonly #parts: LeaseLooksParts;
  #last: Look;
  #next: Promise<Look> | undefined;
  /** As they were when the run made up its mind about them. */
  readonly #judged: Map<Subnet, readonly Lease[]>;

  static async open(parts: LeaseLooksParts, signal: AbortSignal): Promise<LeaseLooks> {
    return new LeaseLooks(parts, await look(parts, signal));
  }

  private constructor(parts: LeaseLooksParts, first: Look) {
    this.#parts = parts;
    this.#last = first;
    this.#judged = new Map(first.byDestination);
  }

  /** The newest. */
  get view(): LeaseView {
    return this.#last.view;
  }

  get writer(): RouteWriter | undefined {
    return this.#last.writer;
  }

  /** Told who writes in this run, whatever stood in the store when it began. */
  expectWriter(writer: RouteWriter): void {
    this.#last = { ...this.#last, writer };
  }

  /** The newest of it. */
  lease(destination: Subnet): Lease | undefined {
    return this.#last.byDestination.get(destination)?.[0];
  }

  /** Under a key that cannot be read something stands: nobody knows whose the subnet is. */
  isUnreadable(destination: Subnet): boolean {
    return this.#last.view.skipped.some(({ key }) => parseLeaseKey(key)?.subnet.v4 === destination);
  }

  /** Has the subnet the owner, or none, that it had when the run began? */
  isAsJudged(destination: Subnet): boolean {
    const now = this.#last.byDestination.get(destination) ?? [];
    const then = this.#judged.get(destination) ?? [];
    return now.length === then.length && now.every((lease, at) => isSame(lease, then[at]));
  }

  /** Whoever has changed since is taken as he is now, where the run knows enough of him. */
  rejudge(isKnown: (lease: Lease) => boolean): void {
    for (const destination of this.#judged.keys())
      if (this.lease(destination) === undefined) this.#judged.delete(destination);
    for (const [destination, leases] of this.#last.byDestination)
      if (leases.every(isKnown)) this.#judged.set(destination, leases);
  }

  /** This run has released it. */
  released({ key, subnet }: Lease): void {
    const { view, byDestination } = this.#last;
    const without = (leases: readonly Lease[] = []): readonly Lease[] => leases.filter((other) => other.key !== key);
    const leases = new Map(view.leases);
    leases.delete(key);
    this.#judged.set(subnet.v4, without(this.#judged.get(subnet.v4)));
    this.#last = {
      ...this.#last,
      view: { ...view, leases },
      byDestination: new Map([...byDestination, [subnet.v4, without(byDestination.get(subnet.v4))]]),
    };
  }

  /** No older than that. Whoever asks meanwhile waits for the same look. */
  async within(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#parts.clock.now() - this.#last.atMs < ms) return;
    this.#next ??= look(this.#parts, signal).finally(() => (this.#next = undefined));
    this.#last = await this.#next;
  }
}

async function look(parts: LeaseLooksParts, signal: AbortSignal): Promise<Look> {
  const atMs = parts.clock.now();
  const view = await firstView(parts.store, signal);
  const { records } = await parts.records.list('writer', signal);
  const record = records.get(ROUTE_WRITER_KEY);
  return {
    atMs,
    view,
    byDestination: byDestination(view.leases.values()),
    writer: record === undefined ? undefined : routeWriter(record.value, 'node'),
  };
}

function byDestination(leases: Iterable<Lease>): ByDestination {
  const found = new Map<Subnet, readonly Lease[]>();
  for (const lease of leases) found.set(lease.subnet.v4, [lease, ...(found.get(lease.subnet.v4) ?? [])]);
  for (const [destination, several] of found)
    if (several.length > 1)
      found.set(
        destination,
        several.toSorted((a, b) => b.epoch - a.epoch),
      );
  return found;
}

const isSame = (a: Lease, b: Lease | undefined): boolean =>
  a.key === b?.key &&
  a.epoch === b.epoch &&
  a.attributes.weft?.node === b.attributes.weft?.node &&
  a.attributes.weft?.fabric?.target === b.attributes.weft?.fabric?.target;

/** Rejects at the first trouble: a run does not wait for a store that is away. */
async function firstView(store: LeaseStore, signal: AbortSignal): Promise<LeaseView> {
  const end = new AbortController();
  let trouble: unknown;
  const onTrouble = (error: unknown): void => {
    trouble = error;
    if (error !== undefined) end.abort();
  };
  // Exact: by the last renewals it is judged who is silent, and what may be released.
  const views = store.watch(AbortSignal.any([signal, end.signal]), onTrouble, 'exact');
  try {
    for await (const { view } of views) return view;
  } finally {
    end.abort();
  }
  if (signal.aborted) throw new WeftError('ABORTED', 'gave up: read the leases', { cause: signal.reason });
  throw trouble === undefined ? new WeftError('STORE_UNREACHABLE', 'the store shows no leases') : asWeftError(trouble);
}
