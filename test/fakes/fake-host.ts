/** `HostNetwork` in memory: the whole contract, and another hand that a test can guide. */
import type {
  ChangeOutcome,
  HostHint,
  HostNetwork,
  HostObservation,
  HostScope,
  InterfaceAddress,
  UplinkChoice,
} from '../../src/contracts/host-network.ts';
import { family, type Address } from '../../src/core/address.ts';
import type { Change } from '../../src/core/diff.ts';
import { asWeftError, WeftError } from '../../src/core/errors.ts';
import { describeHostEntry, hostEntryKey, type HostEntry, type Route } from '../../src/core/host-entry.ts';
import { contains } from '../../src/core/subnet.ts';
import type { Uplink } from '../../src/core/uplink.ts';
import { chooseUplink } from '../../src/host/uplink-choice.ts';
import { FakeKernel, type ForeignDevice } from './fake-kernel.ts';
import { pictureOf } from './fake-picture.ts';

interface Reader {
  readonly hints: Set<HostHint>;
  wake: () => void;
}

export class FakeHost implements HostNetwork {
  readonly kernel = new FakeKernel();
  /** Makes a look fail, or a change: return the error. */
  failObserve: (() => WeftError | undefined) | undefined;
  failChange: ((change: Change<HostEntry>) => WeftError | undefined) | undefined;
  /** Does something drop forwarded packets? Where nothing does, an accept counts as standing. */
  dropsForwarded = false;
  firewallIsSilent = false;
  findings: HostObservation['findings'] = [];
  readonly #readers = new Set<Reader>();

  constructor(...devices: readonly ForeignDevice[]) {
    for (const device of devices) this.kernel.devices.set(device.name, device);
  }

  async observe(scope: HostScope, signal: AbortSignal): Promise<HostObservation> {
    stopIfAborted(signal);
    const failure = this.failObserve?.();
    if (failure !== undefined) throw failure;
    const entries = [...this.kernel.standing.values(), ...this.#needless(scope)].filter((entry) =>
      this.#isIn(scope, entry),
    );
    return { entries, findings: this.findings, firewallIsSilent: this.firewallIsSilent };
  }

  async apply(changes: readonly Change<HostEntry>[], signal: AbortSignal): Promise<readonly ChangeOutcome[]> {
    stopIfAborted(signal);
    return changes.map((change) => {
      try {
        const failure = this.failChange?.(change);
        if (failure !== undefined) throw failure;
        this.kernel.make(change);
        return { change };
      } catch (error) {
        return { change, error: asWeftError(error) };
      }
    });
  }

  async *hints(signal: AbortSignal): AsyncGenerator<HostHint, void, undefined> {
    // As on Linux: what changed before anybody listened is unknown.
    const reader: Reader = { hints: new Set<HostHint>(['everything']), wake: () => {} };
    this.#readers.add(reader);
    const wake = (): void => reader.wake();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        const [hint] = reader.hints;
        if (hint !== undefined) {
          reader.hints.delete(hint);
          yield hint;
        } else await new Promise<void>((resolve) => (reader.wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.#readers.delete(reader);
    }
  }

  async uplink(choice: UplinkChoice, signal: AbortSignal): Promise<Uplink> {
    stopIfAborted(signal);
    return chooseUplink(choice, pictureOf(this.kernel, choice.canReach));
  }

  async addresses(signal: AbortSignal): Promise<readonly InterfaceAddress[]> {
    stopIfAborted(signal);
    return this.kernel.addresses;
  }

  /** All that stands, foreign things too, a line each, sorted. */
  get text(): string {
    const foreign = (entry: HostEntry): string => (this.kernel.foreign.has(hostEntryKey(entry)) ? ' (foreign)' : '');
    return [...this.kernel.standing.values()]
      .map((entry) => `${describeHostEntry(entry)}${foreign(entry)}`)
      .toSorted()
      .join('\n');
  }

  // Another hand.

  /** Sets an entry as it would stand if somebody else had made it so. */
  set(...entries: readonly HostEntry[]): void {
    for (const entry of entries) {
      this.kernel.set(entry);
      this.hint(HINT_OF[entry.kind]);
    }
  }

  /** A route of another protocol than ours: it stands in the way of ours. On a device of ours it counts as what flanneld left there, and so as ours. */
  setForeign(route: Route): void {
    this.set(route);
    if (!this.kernel.standing.has(`link ${route.link}`)) this.kernel.foreign.add(hostEntryKey(route));
  }

  remove(...keys: readonly string[]): void {
    for (const key of keys) {
      const was = this.kernel.standing.get(key);
      if (was === undefined) continue;
      this.kernel.remove(key);
      this.hint(was.kind === 'link' ? 'everything' : HINT_OF[was.kind]);
    }
  }

  addDevice(device: ForeignDevice): void {
    this.kernel.devices.set(device.name, device);
    this.hint('links');
  }

  removeDevice(name: string): void {
    this.kernel.removeDevice(name);
    this.hint('everything');
  }

  hint(hint: HostHint): void {
    for (const reader of this.#readers) {
      reader.hints.add(hint);
      reader.wake();
    }
  }

  #needless({ accepts }: HostScope): HostEntry[] {
    if (this.dropsForwarded) return [];
    return accepts
      .filter((network) => !this.kernel.standing.has(`accept ${network}`))
      .map((network) => ({ kind: 'accept', network }));
  }

  #isIn(scope: HostScope, entry: HostEntry): boolean {
    const key = hostEntryKey(entry);
    if (scope.only?.has(key) === false || this.kernel.foreign.has(key)) return false;
    const isOwn = (link: string): boolean => scope.links.includes(link) && this.kernel.standing.has(`link ${link}`);
    switch (entry.kind) {
      case 'link':
        return isOwn(entry.name);
      case 'address':
        return (
          isOwn(entry.link) ||
          (entry.link === 'lo' && entry.prefixLength === wholeOf(entry.address) && entry.address === scope.base)
        );
      case 'neighbour':
      case 'fdb':
        return isOwn(entry.link);
      case 'route':
      case 'unreachable':
        return scope.networks.some((network) => contains(network, entry.destination));
      case 'broadcast':
        return entry.address === scope.base;
      case 'sysctl':
        return scope.sysctls.includes(entry.name);
      case 'accept':
        return [...scope.accepts, ...(scope.formerAccepts ?? [])].includes(entry.network);
      case 'masquerade':
        return scope.masquerade?.instance === entry.instance;
      case 'file':
        return scope.files.includes(entry.path);
    }
  }
}

const HINT_OF: Readonly<Record<HostEntry['kind'], HostHint>> = {
  link: 'links',
  address: 'addresses',
  route: 'routes',
  broadcast: 'routes',
  neighbour: 'neighbours',
  fdb: 'neighbours',
  unreachable: 'routes',
  sysctl: 'everything',
  accept: 'firewall',
  masquerade: 'firewall',
  file: 'everything',
};

const wholeOf = (address: Address): number => (family(address) === 4 ? 32 : 128);

function stopIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new WeftError('ABORTED', 'stopped while looking at the kernel');
}
