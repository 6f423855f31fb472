/** A host on which peers may be reached by commands of the config: those entries are ours to see and to change, all others the host's below. */
import type { ChangeOutcome, HostNetwork, HostObservation, HostScope } from '../contracts/host-network.ts';
import type { Change } from '../core/diff.ts';
import { asWeftError, type WeftError } from '../core/errors.ts';
import { peerEnvironment, type ExtensionPeer } from '../core/extension.ts';
import { hostEntryKey, sameHostEntry, type HostEntry } from '../core/host-entry.ts';
import type { ExtensionMemory } from './extension-memory.ts';
import { COMMAND_LIMIT_MS, runShell } from './shell-command.ts';

/** When the commands of one pass have taken as long in all as one may, each of the others gets this: a host whose commands all hang goes on to the next pass. */
const HASTE_MS = 5000;

/** Whoever cannot be removed so often is not there, most likely: it is forgotten, or a peer that is long gone would be tried for ever. */
const REMOVALS = 8;

export class ExtensionPeers implements Pick<HostNetwork, 'observe' | 'apply'> {
  readonly #host: Pick<HostNetwork, 'observe' | 'apply'>;
  readonly #memory: ExtensionMemory;
  readonly #patienceMs: number;
  readonly #onEnd: () => void;
  #limitMs: number;
  /** Failed removals of a peer, in a row. */
  readonly #removals = new Map<string, number>();
  /** Whose command failed the last time: those go last, so that one that hangs keeps nobody waiting behind it in every pass. */
  readonly #trouble = new Set<string>();

  /** @param onEnd a command has ended, well or not */
  constructor(
    host: Pick<HostNetwork, 'observe' | 'apply'>,
    memory: ExtensionMemory,
    patienceMs = COMMAND_LIMIT_MS,
    onEnd: () => void = () => undefined,
  ) {
    this.#host = host;
    this.#memory = memory;
    this.#patienceMs = patienceMs;
    this.#limitMs = patienceMs;
    this.#onEnd = onEnd;
  }

  async observe(scope: HostScope, signal: AbortSignal): Promise<HostObservation> {
    const observation = await this.#host.observe(scope, signal);
    if (this.#memory.peers.size === 0) return observation;
    const { only } = scope;
    const added = [...this.#memory.peers.values()].filter((peer) => only?.has(hostEntryKey(peer)) !== false);
    return { ...observation, entries: [...observation.entries, ...added] };
  }

  /** In the order given; commands one after the other, as flannel runs them. */
  async apply(changes: readonly Change<HostEntry>[], signal: AbortSignal): Promise<readonly ChangeOutcome[]> {
    const outcomes = new Map<Change<HostEntry>, ChangeOutcome>();
    const hasTrouble = (change: Change<HostEntry>): boolean => this.#trouble.has(keyOf(change));
    const order =
      this.#trouble.size === 0
        ? changes
        : [...changes.filter((change) => !hasTrouble(change)), ...changes.filter(hasTrouble)];
    for (const part of parts(order)) {
      const [first] = part;
      const made =
        first !== undefined && isOfPeer(first) ? await this.#all(part, signal) : await this.#host.apply(part, signal);
      for (const outcome of made) outcomes.set(outcome.change, outcome);
    }
    return changes.map((change) => outcomes.get(change) ?? { change });
  }

  async #all(changes: readonly Change<HostEntry>[], signal: AbortSignal): Promise<ChangeOutcome[]> {
    const outcomes: ChangeOutcome[] = [];
    const startedMs = performance.now();
    for (const change of changes) {
      this.#limitMs =
        performance.now() - startedMs > this.#patienceMs ? Math.min(HASTE_MS, this.#patienceMs) : this.#patienceMs;
      const error = await this.#one(change, signal);
      if (error === undefined) this.#trouble.delete(keyOf(change));
      else this.#trouble.add(keyOf(change));
      outcomes.push(error === undefined ? { change } : { change, error });
    }
    return outcomes;
  }

  async #one(change: Change<HostEntry>, signal: AbortSignal): Promise<WeftError | undefined> {
    const entry = change.op === 'put' ? change.want : change.was;
    if (entry.kind !== 'extension') return undefined;
    try {
      if (change.op === 'put') await this.#add(entry, signal);
      else await this.#remove(entry, signal);
      return undefined;
    } catch (error) {
      if (signal.aborted) throw error;
      return asWeftError(error);
    }
  }

  /** What was known of it before goes first, as far as it goes: the command that added it may have done half of its work, or all of it for another address. */
  async #add(want: ExtensionPeer, signal: AbortSignal): Promise<void> {
    const before = this.#memory.peers.get(want.subnet);
    if (before !== undefined && sameHostEntry(before, want)) return;
    if (before !== undefined) await this.#command('SubnetRemoveCommand', before, signal).catch(unlessStopped(signal));
    this.#memory.keep({ ...want, half: true });
    await this.#command('SubnetAddCommand', want, signal);
    this.#memory.keep(want);
    this.#removals.delete(want.subnet);
  }

  async #remove(was: ExtensionPeer, signal: AbortSignal): Promise<void> {
    const before = this.#memory.peers.get(was.subnet);
    if (before === undefined) return;
    try {
      await this.#command('SubnetRemoveCommand', before, signal);
    } catch (error) {
      const tries = (this.#removals.get(was.subnet) ?? 0) + 1;
      this.#removals.set(was.subnet, tries);
      if (signal.aborted || (before.half !== true && tries < REMOVALS)) throw error;
      this.#forget(was);
      // Of one that was added by half there may have been nothing to remove.
      if (before.half !== true) throw error;
      return;
    }
    this.#forget(was);
  }

  #forget({ subnet }: ExtensionPeer): void {
    this.#memory.forget(subnet);
    this.#removals.delete(subnet);
  }

  async #command(which: 'SubnetAddCommand' | 'SubnetRemoveCommand', peer: ExtensionPeer, signal: AbortSignal) {
    const text = which === 'SubnetAddCommand' ? peer.add : peer.remove;
    if (text === '') return;
    const name = `${which} for ${peer.subnet} at ${peer.publicIP}`;
    const environment = peerEnvironment(peer);
    await runShell({ name, text, environment, input: peer.data }, signal, this.#limitMs).finally(this.#onEnd);
  }
}

const unlessStopped =
  (signal: AbortSignal) =>
  (error: unknown): void => {
    if (signal.aborted) throw error;
  };

const entryOf = (change: Change<HostEntry>): HostEntry => (change.op === 'put' ? change.want : change.was);

const keyOf = (change: Change<HostEntry>): string => hostEntryKey(entryOf(change));

const isOfPeer = (change: Change<HostEntry>): boolean => entryOf(change).kind === 'extension';

/** Runs of changes that go to one side. */
function parts(changes: readonly Change<HostEntry>[]): Change<HostEntry>[][] {
  const all: Change<HostEntry>[][] = [];
  let side: boolean | undefined;
  for (const change of changes) {
    const isPeer = isOfPeer(change);
    if (isPeer !== side) all.push([]);
    all.at(-1)?.push(change);
    side = isPeer;
  }
  return all;
}
