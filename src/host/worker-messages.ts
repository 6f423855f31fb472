/** What main thread and kernel worker say to each other. Each side ignores no kind: the compiler checks that every one is handled. */
import type { HostHint } from '../contracts/host-network.ts';
import type { ProbeOutcome, ProbePeer, ProbeSelf, ProbeTarget } from '../contracts/path-probe.ts';
import type { Address } from '../core/address.ts';
import type { Subnet } from '../core/subnet.ts';
import type { IpValue } from '../native/netlink/ip-value.ts';

export interface WorkerStart {
  /** eventfd(2) that the main thread writes to when the worker is to look at its messages. */
  readonly wakeFd: number;
  /** Netlink port of the socket by which the main thread changes things. */
  readonly ownPort: number;
  /** How much may wait to be read before the kernel drops. */
  readonly receiveBytes: number;
  /** Of `SharedDescriptors`: what it has open. */
  readonly descriptors: SharedArrayBuffer;
}

/** Which notifications of the kernel are about us. */
export interface WatchScope {
  /** Our devices by name, and the index of those that stand. */
  readonly links: readonly string[];
  readonly linkIndexes: readonly number[];
  /** The same of the uplink; none is known while there is no uplink, and then every device matters. */
  readonly uplinks: readonly string[];
  readonly uplinkIndexes: readonly number[];
  readonly networks: readonly Subnet[];
  readonly base?: Address;
}

/** What is about to be set (or, where null, removed) on a device: the kernel's notification of it names no author. */
export interface Expected {
  readonly link: number;
  readonly neighbours: readonly (readonly [address: IpValue, mac: string | null])[];
  readonly forwarding: readonly (readonly [mac: string, remote: IpValue | null])[];
}

export type ProbeOrder =
  /** @param firstSequence above all that an earlier worker of this process has used */
  | {
      readonly kind: 'probe-listen';
      readonly self: ProbeSelf;
      readonly privateKey: string;
      readonly firstSequence: number;
    }
  | { readonly kind: 'probe-serve'; readonly peers: readonly ProbePeer[] }
  | { readonly kind: 'probe-ask'; readonly targets: readonly ProbeTarget[] }
  | { readonly kind: 'probe-stop' };

export type ToWorker =
  | ProbeOrder
  | { readonly kind: 'watch'; readonly scope: WatchScope }
  | { readonly kind: 'expect'; readonly expected: readonly Expected[] }
  /** The last hints were taken: the next may come. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'stop' };

export type FromWorker =
  | { readonly kind: 'hints'; readonly hints: readonly HostHint[] }
  | { readonly kind: 'probe-outcomes'; readonly outcomes: readonly ProbeOutcome[] }
  /** What came of the last `probe-listen`. */
  | { readonly kind: 'probe-listening'; readonly refused?: { readonly call: string; readonly errno: number } };
