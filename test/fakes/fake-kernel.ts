/** A kernel in memory: devices, and what stands on them, with the rules of Linux that a plan can break. */
import type { Address } from '../../src/core/address.ts';
import type { Change } from '../../src/core/diff.ts';
import { isDevice } from '../../src/core/device.ts';
import { WeftError } from '../../src/core/errors.ts';
import {
  describeHostEntry,
  hostEntryKey,
  linkIsRemade,
  linkUnder,
  type HostEntry,
  type Route,
  type VxlanLink,
} from '../../src/core/host-entry.ts';
import type { MacAddress } from '../../src/core/mac.ts';
import { contains, subnetOf } from '../../src/core/subnet.ts';

/** A device that is not ours: the uplink, a bridge. */
export interface ForeignDevice {
  readonly name: string;
  readonly addresses: readonly { readonly address: Address; readonly prefixLength: number }[];
  readonly mac?: MacAddress;
  readonly mtuBytes: number;
  /** Next hop of a default route over it, and its metric: lower wins. */
  readonly gateway?: Address;
  readonly metric?: number;
}

export class FakeKernel {
  readonly devices = new Map<string, ForeignDevice>();
  /** Ours, and what another hand made where ours would stand; by key. */
  readonly standing = new Map<string, HostEntry>();
  /** Keys of routes of another protocol, on devices that are not ours. */
  readonly foreign = new Set<string>();
  /** How many changes altered something. */
  writes = 0;

  hasLink(name: string): boolean {
    return this.devices.has(name) || this.hasTunnel(name);
  }

  /** One of ours. */
  hasTunnel(name: string): boolean {
    return this.standing.has(`link ${name}`) || this.standing.has(`tun ${name}`);
  }

  make(change: Change<HostEntry>): void {
    const entry = change.op === 'put' ? change.want : change.was;
    const key = hostEntryKey(entry);
    if (change.op === 'remove') {
      if (this.foreign.has(key) || !this.standing.has(key) || entry.kind === 'sysctl') return;
      this.remove(key);
      this.writes += 1;
      return;
    }
    const was = this.standing.get(key);
    this.#check(change.want, change.was === undefined && this.foreign.has(key));
    if (was !== undefined && describeHostEntry(was) === describeHostEntry(entry)) return;
    if (was?.kind === 'link' && change.want.kind === 'link' && linkIsRemade(was, change.want)) this.remove(key);
    this.set(change.want);
    this.writes += 1;
  }

  set(entry: HostEntry): void {
    const key = hostEntryKey(entry);
    this.foreign.delete(key);
    this.standing.set(key, entry);
  }

  /** And what goes with it: all that stands on a device, the routes whose source an address was. */
  remove(key: string): void {
    const was = this.standing.get(key);
    this.standing.delete(key);
    this.foreign.delete(key);
    if (was !== undefined && isDevice(was)) this.#removeWhere((entry) => linkUnder(entry) === was.name);
    if (was?.kind === 'address' && !this.#hasAddress(was.address))
      this.#removeWhere((entry) => entry.kind === 'route' && entry.source === was.address);
  }

  /** A device of another hand goes, and what stood on it or above it. */
  removeDevice(name: string): void {
    this.devices.delete(name);
    this.#removeWhere((entry) => linkUnder(entry) === name);
    for (const [key, entry] of this.standing) if (entry.kind === 'link' && entry.uplink === name) this.remove(key);
  }

  #removeWhere(goes: (entry: HostEntry) => boolean): void {
    for (const [key, entry] of this.standing) if (goes(entry)) this.standing.delete(key);
  }

  #check(want: HostEntry, isOccupied: boolean): void {
    const what = `put ${describeHostEntry(want)}`;
    const under = linkUnder(want);
    if (under !== undefined && !this.hasLink(under) && under !== 'lo')
      throw new WeftError('LINK_MISSING', `${what}: there is no device ${under}`);
    const needsTunnel =
      want.kind === 'socket' ||
      want.kind === 'tunnel' ||
      want.kind === 'neighbour' ||
      want.kind === 'fdb' ||
      want.kind === 'address' ||
      (want.kind === 'route' && want.onlink);
    if (under !== undefined && needsTunnel && this.devices.has(under))
      throw new WeftError('LINK_FOREIGN', `${what}: device ${under} is no tunnel of ours`);
    if (want.kind === 'link') this.#checkLink(want, what);
    if (want.kind === 'tun' && this.devices.has(want.name))
      throw new WeftError('LINK_FOREIGN', `${what}: a device ${want.name} stands that is no TUN device`);
    if (want.kind === 'route') this.#checkRoute(want, what, isOccupied);
    if (want.kind === 'unreachable' && this.foreign.has(`route ${want.destination}`))
      throw new WeftError('KERNEL_REFUSED', `${what}: EEXIST, a route that is not ours stands`);
  }

  #checkLink(want: VxlanLink, what: string): void {
    if (this.devices.has(want.name))
      throw new WeftError('LINK_FOREIGN', `${what}: a device ${want.name} stands that is no vxlan device`);
    if (!this.hasLink(want.uplink)) throw new WeftError('LINK_MISSING', `${what}: there is no device ${want.uplink}`);
  }

  #checkRoute(want: Route, what: string, isOccupied: boolean): void {
    const refused = (why: string): WeftError => new WeftError('KERNEL_REFUSED', `${what}: ${why}`);
    if (isOccupied) throw refused('EEXIST, a route that is not ours stands');
    const { via, source } = want;
    if (via !== undefined && !want.onlink && !this.#onLink(want.link, via))
      throw refused('ENETUNREACH (Nexthop has invalid gateway)');
    if (source !== undefined && !this.#hasAddress(source)) throw refused('EINVAL (Invalid prefsrc address)');
  }

  #onLink(link: string, via: Address): boolean {
    return this.#addresses().some(
      (one) => one.link === link && one.prefixLength < 32 && contains(subnetOf(one.address, one.prefixLength), via),
    );
  }

  #hasAddress(address: Address): boolean {
    return this.#addresses().some((one) => one.address === address);
  }

  /** All of this host. */
  #addresses(): { readonly link: string; readonly address: Address; readonly prefixLength: number }[] {
    const ours = [...this.standing.values()].flatMap((entry) => (entry.kind === 'address' ? [entry] : []));
    return [
      ...[...this.devices.values()].flatMap(({ name, addresses }) => addresses.map((one) => ({ link: name, ...one }))),
      ...ours,
    ];
  }

  get addresses(): readonly { readonly link: string; readonly address: Address; readonly prefixLength: number }[] {
    return this.#addresses();
  }
}
