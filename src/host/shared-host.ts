/** A host that several daemons share: what another of them has is out of sight, and out of reach. */
import type {
  ChangeOutcome,
  HostHint,
  HostNetwork,
  HostObservation,
  HostScope,
  InterfaceAddress,
  UplinkChoice,
} from '../contracts/host-network.ts';
import type { Address } from '../core/address.ts';
import type { Change } from '../core/diff.ts';
import { asWeftError, type WeftError } from '../core/errors.ts';
import { isDevice } from '../core/device.ts';
import { linkUnder, type HostEntry } from '../core/host-entry.ts';
import type { Uplink } from '../core/uplink.ts';
import { claimKey, type Claims } from './claims.ts';

export class SharedHost implements HostNetwork {
  readonly #host: HostNetwork;
  readonly #claims: Claims;
  readonly #writes: boolean;

  /** @param use `dry run`: nothing is written, no claim either, and nothing may be applied. */
  constructor(host: HostNetwork, claims: Claims, use: 'dry run' | 'daemon') {
    this.#host = host;
    this.#claims = claims;
    this.#writes = use === 'daemon';
  }

  async observe(scope: HostScope, signal: AbortSignal): Promise<HostObservation> {
    const others = this.#claims.others();
    const own = this.#claims.ownLinks();
    const former = own.filter((name) => !scope.links.includes(name));
    const seen = await this.#host.observe(
      {
        ...scope,
        // Also devices of ours that are not wanted any more: whoever looks finds them, and removes them.
        links: [...scope.links.filter((name) => !others.has(linkKey(name))), ...former],
        files: scope.files.filter((path) => !others.has(`file ${path}`)),
      },
      signal,
    );
    const strange = strangeTuns(seen.entries, scope.base, own);
    const observation =
      strange.size === 0 ? seen : { ...seen, entries: seen.entries.filter((entry) => !isOf(strange, entry)) };
    // What stands and is nobody's is ours: a state directory that was lost must not cost us our devices.
    const standing = this.#writes ? observation.entries.filter(isDevice) : [];
    for (const entry of standing) await this.#claims.take(entry, signal);
    if (this.#writes && scope.only === undefined) await this.#forget(former, standing, signal);
    return observation;
  }

  async apply(changes: readonly Change<HostEntry>[], signal: AbortSignal): Promise<readonly ChangeOutcome[]> {
    const refused = new Map<Change<HostEntry>, WeftError>();
    for (const change of changes) {
      const error = change.op === 'put' && isShared(change.want) ? await this.#take(change.want, signal) : undefined;
      if (error !== undefined) refused.set(change, error);
    }
    const others = this.#claims.others();
    for (const change of changes) {
      const entry = change.op === 'put' ? change.want : change.was;
      const owner = others.get(linkKey(linkUnder(entry) ?? ''));
      if (owner !== undefined) refused.set(change, await this.#claims.foreign(entry, owner));
    }
    const allowed = refused.size === 0 ? changes : changes.filter((change) => !refused.has(change));
    const outcomes = await this.#host.apply(allowed, signal);
    for (const { change, error } of outcomes) {
      if (change.op === 'remove' && error === undefined && isShared(change.was))
        await this.#claims.giveUp(claimKey(change.was), signal);
    }
    if (refused.size === 0) return outcomes;
    const made = outcomes.values();
    return changes.flatMap((change) => {
      const error = refused.get(change);
      return error === undefined ? (made.next().value ?? []) : [{ change, error }];
    });
  }

  hints(signal: AbortSignal): AsyncIterable<HostHint> {
    return this.#host.hints(signal);
  }

  uplink(choice: UplinkChoice, signal: AbortSignal): Promise<Uplink> {
    return this.#host.uplink(choice, signal);
  }

  addresses(signal: AbortSignal): Promise<readonly InterfaceAddress[]> {
    return this.#host.addresses(signal);
  }

  /** What is gone, with a reboot say, is not ours for ever: a device of that name may be anybody's next time. */
  async #forget(former: readonly string[], standing: readonly HostEntry[], signal: AbortSignal): Promise<void> {
    const keys = new Set(standing.map(claimKey));
    for (const name of former) if (!keys.has(linkKey(name))) await this.#claims.giveUp(linkKey(name), signal);
  }

  async #take(entry: HostEntry, signal: AbortSignal): Promise<WeftError | undefined> {
    try {
      await this.#claims.take(entry, signal);
      return undefined;
    } catch (error) {
      if (signal.aborted) throw error;
      return asWeftError(error);
    }
  }
}

/**
 * Any program can have made a TUN device to stay, under a name of ours too: one that we neither claimed nor gave our base is not taken for something that we
 * left. A path that wants it takes it over by name.
 */
function strangeTuns(
  entries: readonly HostEntry[],
  base: Address | undefined,
  own: readonly string[],
): ReadonlySet<string> {
  const strange = new Set(entries.flatMap((entry) => (entry.kind === 'tun' ? [entry.name] : [])));
  for (const name of own) strange.delete(name);
  if (strange.size > 0)
    for (const entry of entries) if (entry.kind === 'address' && entry.address === base) strange.delete(entry.link);
  return strange;
}

const isOf = (names: ReadonlySet<string>, entry: HostEntry): boolean =>
  (entry.kind === 'tun' && names.has(entry.name)) || (entry.kind === 'address' && names.has(entry.link));

const linkKey = (name: string): string => `link ${name}`;

const isShared = (entry: HostEntry): boolean => isDevice(entry) || entry.kind === 'file';
