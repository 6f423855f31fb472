/** A table with a FORWARD chain of iptables' making, and how to change our rules in it. */
import type { Subnet } from '../core/subnet.ts';
import type { Direction, ForwardChains, ForwardRule, Place } from './forward-chains.ts';

export interface ForwardTable {
  readonly chains: ForwardChains;
  /** Puts our accept at the place. */
  insert(place: Place, network: Subnet, signal: AbortSignal): Promise<void>;
  /** Removes one rule of ours. */
  remove(chain: string, rule: ForwardRule, network: Subnet, direction: Direction, signal: AbortSignal): Promise<void>;
}
