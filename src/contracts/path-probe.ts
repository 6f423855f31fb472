import type { Address } from '../core/address.ts';
import type { NodeId } from '../core/node-id.ts';
import type { PathName } from '../core/path.ts';
import type { Subnet } from '../core/subnet.ts';

export interface ProbeTarget {
  readonly node: NodeId | undefined;
  readonly subnet: Subnet;
  /** The peer's base address: requests go from own base to it. */
  readonly base: Address;
  readonly path: PathName;
  /** The peer's public key and UDP port; absent for a peer without Weft, which is asked by ICMP echo. */
  readonly responder?: { readonly key: string; readonly port: number };
}

/** One answered or missed request about one direction, mine to the peer, of one path. */
export interface ProbeOutcome {
  readonly subnet: Subnet;
  readonly path: PathName;
  /** `heard`: the peer says that it heard me on that path. `missed`: it says it did not. `silent`: no answer by any path. */
  readonly verdict: 'heard' | 'missed' | 'silent';
  /** Round trip in milliseconds, when answered over the same path. */
  readonly rttMs?: number;
}

/**
 * Asks peers whether packets of one path reach them, and answers such questions.
 * Verdicts rest on what the peer last heard, never on silence alone.
 */
export interface PathProbe {
  /** Sends one request; the outcome comes by `outcomes`. NOT_PERMITTED without CAP_NET_ADMIN. */
  ask(target: ProbeTarget, signal: AbortSignal): Promise<void>;
  /** Outcomes as they come. Ends with the signal. */
  outcomes(signal: AbortSignal): AsyncIterable<ProbeOutcome>;
  /** Whose requests are answered; strangers get nothing. Replaces the list before. */
  serve(peers: readonly ProbeTarget[]): void;
  /** Subnets with traffic in the last 10 seconds. */
  active(signal: AbortSignal): Promise<ReadonlySet<Subnet>>;
}
