import type { Address } from '../core/address.ts';
import type { Change } from '../core/diff.ts';
import type { WeftError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { HostEntry } from '../core/host-entry.ts';
import type { Subnet } from '../core/subnet.ts';
import type { Uplink } from '../core/uplink.ts';

/** What of this host counts as ours. Nothing outside it is ever listed, changed or removed. */
export interface HostScope {
  /** Routes of our protocol number (87) in the main table whose destination lies in one of these are ours, whichever kind: this daemon's Network and, after a change, its previous one. */
  readonly networks: readonly Subnet[];
  /** The one base address (a /32) that may stand on `lo` because of us. */
  readonly base?: Address;
  /** Tunnel devices that are ours, with all addresses, neighbours and FDB entries on them. */
  readonly links: readonly string[];
  /** By which device the routes of a metric leave: such a route can be looked up by itself then. */
  readonly standby?: ReadonlyMap<number, string>;
  /** Settings to read. */
  readonly sysctls: readonly string[];
  /** Files to read. */
  readonly files: readonly string[];
  /** Ranges whose forwarded packets shall pass: an accept is listed where they do, by whose rule ever. */
  readonly accepts: readonly Subnet[];
  /** Ranges of which an accept is listed only where a rule of ours stands. */
  readonly formerAccepts?: readonly Subnet[];
  /** Whose masquerade rules are ours (`Instance.id`), and between whom nobody else may masquerade. */
  readonly masquerade?: { readonly instance: string; readonly network?: Subnet; readonly subnet?: Subnet };
  /** Look at nothing but entries of these keys (`hostEntryKey`): for one new peer among thousands. */
  readonly only?: ReadonlySet<string>;
}

export interface HostObservation {
  /**
   * Each thing once. A setting of a device that is not there is left out. An accept counts as standing also where nothing would drop the packets,
   * so that none is put where none is needed.
   */
  readonly entries: readonly HostEntry[];
  /** What drops or endangers our packets and is not ours to change: a foreign nftables chain, say. */
  readonly findings: readonly Finding[];
  /** A part of the packet filter is there of whose changes the kernel tells nobody: it is worth a look by the clock. */
  readonly firewallIsSilent?: boolean;
}

export interface ChangeOutcome {
  readonly change: Change<HostEntry>;
  /** Absent: it stands as wanted now. */
  readonly error?: WeftError;
}

/** How the address that other hosts reach us by is to be found (flannel's iface, iface-regex, iface-can-reach, public-ip). */
export interface UplinkChoice {
  /** Device names or addresses, tried in order. */
  readonly interfaces: readonly string[];
  /** Regular expressions, for addresses first, then names; tried in order after `interfaces`. */
  readonly patterns: readonly string[];
  readonly canReach?: Address;
  /** What to advertise. Found on a device, that device is the uplink; else a NAT's, and the default route's device is. */
  readonly publicIP?: Address;
  /** In use already: of several addresses that the device has, this one as long as it is there. An address that comes and goes (VRRP) moves no tunnel. */
  readonly standing?: Address;
}

export interface InterfaceAddress {
  readonly link: string;
  readonly address: Address;
  readonly prefixLength: number;
}

/**
 * The kernel of this host: devices, routes, settings, files.
 *
 * Fails with NOT_PERMITTED when the process lacks CAP_NET_ADMIN, KERNEL_REFUSED (names the entry and the errno) or KERNEL_UNSUPPORTED.
 */
export interface HostNetwork {
  /** All that is ours, complete, or it rejects: a failed observation is not an empty one. */
  observe(scope: HostScope, signal: AbortSignal): Promise<HostObservation>;

  /**
   * Makes each change, in the order given, sent in batches. Each is atomic and idempotent: a put of what stands, and a removal of what is
   * gone, succeed. A put over another state replaces it in one step, with no moment without a route. One change that fails does not stop the rest;
   * every change has its outcome, in order. Never touches what is not ours: LINK_FOREIGN for a device of that name that we cannot have made.
   */
  apply(changes: readonly Change<HostEntry>[], signal: AbortSignal): Promise<readonly ChangeOutcome[]>;

  /**
   * Something in the kernel may have changed by another hand: look again. Spurious ones happen; none is ever lost while iterating, not even when the
   * kernel drops messages (ENOBUFS yields a hint). What `apply` does itself yields none where the kernel tells us apart. Conflated. The first is
   * `everything`, when listening has begun: what changed before is unknown. Ends with the signal.
   */
  hints(signal: AbortSignal): AsyncIterable<HostHint>;

  /** The device and address towards the other hosts. UPLINK_NOT_FOUND says what was looked for and what there is; it may come later (DHCP). */
  uplink(choice: UplinkChoice, signal: AbortSignal): Promise<Uplink>;

  /** All addresses of this host, whoever set them. */
  addresses(signal: AbortSignal): Promise<readonly InterfaceAddress[]>;
}

/** Which part of the kernel to look at again. */
export type HostHint = 'links' | 'addresses' | 'routes' | 'neighbours' | 'firewall' | 'everything';
