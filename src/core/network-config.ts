/** The network config: flannel's JSON, and our one member `Weft` in it. Made only by `parseNetworkConfig`. */
import type { Address } from './address.ts';
import type { ExtensionCommands } from './extension.ts';
import type { JsonObject } from './json.ts';
import type { PathName } from './path.ts';
import type { Subnet } from './subnet.ts';

export interface FamilyRange {
  readonly network: Subnet;
  readonly subnetLength: number;
  /** First and last subnet that may be leased, by their bases; both inclusive. `min` may lie above `max`, as in flannel: then none can be had. */
  readonly min: Address;
  readonly max: Address;
}

export interface VxlanOptions {
  /** 1 to 16,777,215. */
  readonly vni: number;
  /** UDP port. */
  readonly port: number;
  readonly gbp: boolean;
  readonly learning: boolean;
}

export interface ProbeOptions {
  readonly intervalMs: number;
  /** A path must have been better for this long before we move back to it. */
  readonly holdMs: number;
  readonly port: number;
  /** Requests a second that idle pairs share. */
  readonly idleBudget: number;
}

export interface Pool {
  readonly range: Subnet;
  readonly gce?: { readonly region: string; readonly subnetwork: string; readonly secondaryRange: string };
}

export interface NetworkConfig {
  readonly v4: FamilyRange;
  readonly enableNFTables: boolean;
  /** flannel's Backend.Type, lower case; `udp` when Backend is absent; `auto` is ours. */
  readonly backendType: string;
  /** False: no Backend member stood in the config. */
  readonly backendGiven: boolean;
  /** flannel's Backend object as written, for the keys of each type. */
  readonly backend: JsonObject;
  /** Backend.MTU: MTU for containers, before any path's own overhead is known. Undefined: from the uplink. */
  readonly mtuBytes: number | undefined;
  /** In order of preference. Empty for `alloc` and `extension`. */
  readonly paths: readonly PathName[];
  readonly vxlan: VxlanOptions;
  /** Of Backend.Type extension alone. */
  readonly extension?: ExtensionCommands;
  readonly udpPort: number;
  readonly leaseTtlMs: number;
  readonly routeWriter: 'node' | 'reconciler';
  readonly allowPlaintext: boolean;
  readonly probe: ProbeOptions;
  readonly routeTables: { readonly ids: readonly string[]; readonly tag: string | undefined };
  readonly gce: { readonly mode: 'alias' | 'routes' };
  readonly pools: readonly Pool[];
}
