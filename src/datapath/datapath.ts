/**
 * A path is a way to reach a peer. Each path is one file that answers for itself: may I send to this peer that way,
 * and what must stand on this host for it. Nothing outside that file knows what the path is made of.
 */
import type { Address } from '../core/address.ts';
import type { LedgerRow } from '../core/cloud-route.ts';
import type { HostEntry, Route } from '../core/host-entry.ts';
import type { Advert, FabricIdentity, Lease } from '../core/lease.ts';
import type { MacAddress } from '../core/mac.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import type { PathName, Verdict } from '../core/path.ts';
import type { Subnet } from '../core/subnet.ts';
import type { Uplink } from '../core/uplink.ts';

/** Where this host stands in its cloud, and what the route table of its subnet carries. */
export interface CloudFacts {
  readonly identity: FabricIdentity;
  /** The route table that this host's own subnet uses; undefined until it was looked up. */
  readonly table: string | undefined;
  /** Why nothing is to be expected of that table, or of the lookup. */
  readonly trouble: string | undefined;
  /** What the ledger says of that table. */
  readonly rows: ReadonlyMap<Subnet, LedgerRow>;
}

/** This host as far as it is known before it has a lease: enough to be ready to receive. */
export interface Receiver {
  readonly config: NetworkConfig;
  readonly uplink: Uplink;
  readonly vtepMac: MacAddress;
  /** Absent: in no cloud, or in one whose routes are not programmed. */
  readonly cloud?: CloudFacts;
}

/** What the packet filter of this host is to do for containers, whatever their paths. */
export interface FirewallWish {
  /** `Instance.id`: each daemon of a host has masquerade rules of its own. */
  readonly instance: string;
  readonly masquerade: 'off' | 'plain' | 'fully-random';
  /** Forwarded packets of the Network are accepted where something would drop them. */
  readonly acceptForwarded: boolean;
}

/** This host, as the paths see it. */
export interface Self extends Receiver {
  readonly lease: Lease;
  /** The subnet's `.0`: source of this host's own packets to containers, and what peers route to. */
  readonly base: Address;
  readonly firewall: FirewallWish;
}

export interface Datapath {
  readonly name: PathName;
  /** Bytes that this path adds to each packet. */
  readonly overheadBytes: number;
  judge(self: Self, peer: Lease): Verdict;
  /** The device that packets arrive on, when it is one of ours; its name. */
  device(self: Receiver): string | undefined;
  /** What must stand so that this host receives what its lease advertises, whether it sends that way or not. */
  receive(self: Receiver): readonly HostEntry[];
  /** What the lease says of this path once all of that stands. */
  advert(self: Receiver): Pick<Advert, 'vxlan' | 'udp'>;
  /**
   * What must stand to send to this peer. The route is last.
   * @param metric of a route that stands by for probes; undefined for traffic's
   */
  send(self: Self, peer: Lease, metric: number | undefined): readonly HostEntry[];
  /** Does this route to the peer's subnet lead by this path? By device and next hop, since the rest may be out of date. */
  leads(self: Self, peer: Lease, route: Route): boolean;
  /**
   * What no two peers may share on this path, or undefined when there is no such thing. Of two peers with one mark, the one with the
   * lower epoch, which had it first, is reached.
   */
  mark(self: Self, peer: Lease): string | undefined;
}

export const usable: Verdict = { usable: true };
export const unusable = (why: string): Verdict => ({ usable: false, why });
