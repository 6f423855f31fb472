/** What moves packets between a TUN device and UDP: all that the rest knows of it, so that a faster one can take its place. */
import type { Address } from '../core/address.ts';
import type { TunnelCounters } from '../core/tunnel-counters.ts';
import type { TunnelPeer } from '../core/udp-entry.ts';

export interface EngineConfig {
  /** Name of the TUN device, and its index: a device that is made anew is another one. */
  readonly name: string;
  readonly link: number;
  /** Where datagrams are sent from and taken. */
  readonly local: Address;
  readonly port: number;
}

/** Datagrams that the kernel refused to send. */
export interface Refusals {
  readonly count: number;
  /** Of the last one. */
  readonly errno: number;
}

export interface PacketEngine {
  /** Undefined while it is closed, and when its device was taken from it. */
  readonly config: EngineConfig | undefined;
  /** Why it has moved nothing for a while, although it was open; told until it has gone well for a minute. */
  readonly trouble: string | undefined;
  /** It moves nothing, and has not for some starts in a row. */
  readonly isDown: boolean;
  /** Opens it, anew where it is open. Peers and counters stay. @throws WeftError */
  open(config: EngineConfig): Promise<void>;
  /** All peers at once: a packet meets the table before or this one. Resolves when it is in force. */
  setPeers(peers: readonly TunnelPeer[]): Promise<void>;
  counters(): TunnelCounters;
  readonly refusals: Refusals;
  /** Resolves when device and sockets are free. */
  close(): Promise<void>;
}
