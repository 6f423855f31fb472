import type { Address } from '../core/address.ts';
import type { NodeId } from '../core/node-id.ts';
import type { PathName } from '../core/path.ts';
import type { SettledProbe } from '../core/probe-verdict.ts';
import type { Subnet } from '../core/subnet.ts';

/** This host, as it asks and answers. */
export interface ProbeSelf {
  readonly node: NodeId;
  /** Of this run. A request that names another one is not answered. */
  readonly incarnation: number;
  /** Source of requests, and where requests arrive. */
  readonly base: Address;
  readonly port: number;
  readonly network: Subnet;
  /** Prefix length of every lease's subnet: what traffic is counted by. */
  readonly subnetLength: number;
  readonly paths: readonly ProbePath[];
  /** Will `active` be asked? To watch traffic costs every packet a little. Undefined: not known yet, all stays as it is. */
  readonly watchesTraffic?: boolean;
}

export interface ProbePath {
  readonly path: PathName;
  /** The device that packets of this path leave by. What is sent takes that one or none. */
  readonly link: string;
  /** The tunnel device that packets of this path arrive on; absent: they arrive bare, on any other device. */
  readonly device?: string;
}

/** A Weft peer: whose requests are answered, and who answers ours. */
export interface ProbePeer {
  readonly node: NodeId;
  readonly subnet: Subnet;
  readonly base: Address;
  readonly port: number;
  /** X25519 public key, base64url. */
  readonly key: string;
  /** The newest that its lease has shown. */
  readonly incarnation: number;
  /** By which answers may be sent to it, the best first. */
  readonly paths: readonly PathName[];
}

export interface ProbeTarget {
  readonly subnet: Subnet;
  readonly base: Address;
  readonly path: PathName;
  /** `probe`: the peer's own daemon, which has to be among those of `serve`. `echo`: its kernel, by ICMP. */
  readonly by: 'probe' | 'echo';
}

/** One request that is settled, about one direction, mine to the peer, of one path. */
export interface ProbeOutcome extends SettledProbe {
  readonly subnet: Subnet;
  readonly by: ProbeTarget['by'];
}

/** What was known of traffic, and how often to look whether that has changed. */
export interface KnownTraffic {
  readonly active: ReadonlySet<Subnet> | undefined;
  readonly everyMs: () => number;
}

/**
 * Asks peers whether packets of one path reach them, and answers such questions.
 * Verdicts rest on what the peer last heard, never on silence alone: `heard` and `missed` are what the peer says (for an echo, what answers to other echoes show), `silent` says
 * that nothing came back, which a late verdict may follow.
 */
export interface PathProbe {
  /** Own public key, X25519, base64url. */
  readonly key: string;
  /** Answers and asks as this from now on, in place of whom it was before. PROBE_UNAVAILABLE when the port is taken or the kernel refuses. */
  listen(self: ProbeSelf, signal: AbortSignal): Promise<void>;
  /** Whose requests are answered; strangers get nothing. Replaces the list before; what is known of a peer that stays is kept. */
  serve(peers: readonly ProbePeer[]): void;
  /** Sends one request; what becomes of it comes by `outcomes`, within two seconds. A request that the kernel does not send is `silent`, or `missed`, with the reason. */
  ask(target: ProbeTarget): void;
  /** Outcomes as they come, those that come together in one; never an empty one. Ends with the signal; rejects with KERNEL_REFUSED when the sockets fail: then `listen` has to be called again. For one reader. */
  outcomes(signal: AbortSignal): AsyncIterable<readonly ProbeOutcome[]>;
  /**
   * Subnets of peers with traffic from this host in the last 10 seconds; probes and answers are none. Undefined where this host has no means to tell.
   * With `known` once a look finds something else than that, else at once. KERNEL_REFUSED, NOT_PERMITTED, ABORTED.
   */
  active(known: KnownTraffic | undefined, signal: AbortSignal): Promise<ReadonlySet<Subnet> | undefined>;
  /** Leaves nothing of it in the kernel. */
  forget(signal: AbortSignal): Promise<void>;
}
