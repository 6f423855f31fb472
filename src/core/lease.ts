/** Leases: who owns which subnet, and how that node can be reached. */
import type { Address } from './address.ts';
import type { Finding } from './finding.ts';
import type { JsonValue } from './json.ts';
import type { MacAddress } from './mac.ts';
import type { NodeId } from './node-id.ts';
import type { Subnet } from './subnet.ts';

/** A lease's subnet in every family it has. IPv4 is what is carried today. */
export interface LeaseSubnet {
  readonly v4: Subnet;
  readonly v6?: Subnet;
}

declare const leaseKeyBrand: unique symbol;
/** flannel's key of a lease below `<prefix>/subnets/`: `10.5.34.0-24`, dual stack `10.5.34.0-24&fd00:1::-64`. */
export type LeaseKey = string & { readonly [leaseKeyBrand]: true };

export interface VxlanEndpoint {
  readonly vni: number;
  readonly mac: MacAddress;
  /** UDP port on which it listens. */
  readonly port: number;
}

export interface UdpEndpoint {
  readonly port: number;
}

/** Where a cloud sees this node. `network` is the VPC, `target` what a route points at (AWS: the interface). */
export interface FabricIdentity {
  readonly provider: string;
  readonly network: string;
  readonly subnet: string;
  readonly target: string;
}

/** What a Weft node promises to accept: the extra member of the stored value. Adverts only, no safety state. */
export interface Advert {
  readonly node: NodeId;
  /** Rises by one with each start of the node's daemon. */
  readonly incarnation: number;
  /** MTU of the uplink. */
  readonly mtuBytes: number;
  readonly vxlan?: VxlanEndpoint;
  readonly udp?: UdpEndpoint;
  readonly fabric?: FabricIdentity;
  /** The cloud route table that this node's own subnet uses. */
  readonly table?: string;
  /** X25519 public key of the prober (base64url) and its UDP port. */
  readonly probe?: { readonly key: string; readonly port: number };
}

/** What flannel stores, in its order, and our member behind it. */
export interface LeaseAttributes {
  readonly publicIP: Address;
  readonly publicIPv6?: Address;
  /** Absent: flannel's udp, alloc and cloud backends. */
  readonly backendType?: string;
  readonly backendData?: JsonValue;
  readonly backendV6Data?: JsonValue;
  /** Absent: a plain flanneld, or a Weft of an unknown version. */
  readonly weft?: Advert;
}

export interface Lease {
  readonly key: LeaseKey;
  readonly subnet: LeaseSubnet;
  readonly attributes: LeaseAttributes;
  /** The fencing token: rises with each change of owner. */
  readonly epoch: number;
  /** Opaque; changes with each write. What `renew` and `release` compare. */
  readonly version: string;
}

/** A key or value under our care that could not be read. Reported; never a reason to drop anything else. */
export interface Skipped {
  readonly key: string;
  readonly why: string;
}

export interface StoredConfig {
  /** The network config as written, byte for byte. */
  readonly text: string;
  /** Opaque; changes with each write. */
  readonly version: string;
}

/** The whole of what the store says, at one moment. */
export interface LeaseView {
  /** Grows with the store's state; for people and logs. */
  readonly revision: string;
  /** Undefined: no config stands there now. */
  readonly config: StoredConfig | undefined;
  readonly leases: ReadonlyMap<LeaseKey, Lease>;
  /** Leases whose owner has not renewed for its TTL and five minutes, by this observer's own clock. */
  readonly expired: ReadonlySet<LeaseKey>;
  readonly skipped: readonly Skipped[];
  readonly findings: readonly Finding[];
}
