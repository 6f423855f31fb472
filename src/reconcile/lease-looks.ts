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

interface Look {
  readonly atMs: number;
  readonly view: LeaseView;
  readonly byDestination: ReadonlyMap<Subnet, Lease>;
  /** Undefined: no record says it. */
  readonly writer: RouteWriter | undefined;
}

export class LeaseLooks {
  readonly #parts: LeaseLooksParts;
  #last: Look;
  #next: Promise<Look> | undefined;
  /** As they were when the run made up its mind about them. */
  readonly #judged: Map<Subnet, Lease>;

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

  lease(destination: Subnet): Lease | undefined {
    return this.#last.byDestination.get(destination);
  }

  /** Under a key that cannot be read something stands: nobody knows whose the subnet is. */
  isUnreadable(destination: Subnet): boolean {
    return this.#last.view.skipped.some(({ key }) => parseLeaseKey(key)?.subnet.v4 === destination);
  }

  /** Has the subnet the owner, or none, that it had when the run began? */
  isAsJudged(destination: Subnet): boolean {
    const now = this.lease(destination);
    const then = this.#judged.get(destination);
    const [mine, theirs] = [now?.attributes.weft, then?.attributes.weft];
    return now?.epoch === then?.epoch && mine?.node === theirs?.node && mine?.fabric?.target === theirs?.fabric?.target;
  }

  /** Whoever has changed since is taken as he is now, where the run knows enough of him. */
  rejudge(isKnown: (lease: Lease) => boolean): void {
    for (const destination of this.#judged.keys())
      if (this.lease(destination) === undefined) this.#judged.delete(destination);
    for (const [destination, lease] of this.#last.byDestination)
      if (isKnown(lease)) this.#judged.set(destination, lease);
  }

  /** This run has released it. */
  released({ key, subnet }: Lease): void {
    const { view, byDestination } = this.#last;
    const isOther = (other: Lease): boolean => other.key !== key;
    this.#judged.delete(subnet.v4);
    this.#last = {
      ...this.#last,
      view: { ...view, leases: new Map([...view.leases].filter(([, lease]) => isOther(lease))) },
      byDestination: new Map([...byDestination].filter(([, lease]) => isOther(lease))),
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
    byDestination: new Map([...view.leases.values()].map((lease) => [lease.subnet.v4, lease])),
    writer: record === undefined ? undefined : routeWriter(record.value, 'node'),
  };
}

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
