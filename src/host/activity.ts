/**
 * To which peers' subnets this host sends: an nftables set whose elements time out, in a table of the daemon's own. To read it takes as long as there are active peers, where
 * counters would take as long as there are peers.
 *
 *   postrouting: to this host's own subnet ──► passed over: what arrives for containers here
 *                probes and answers (by mark), echo replies of our own ──► passed over
 *                to the Network ──► update @active { destination & mask }
 */
import type { ProbeSelf } from '../contracts/path-probe.ts';
import { addressFrom, bitsOf, family, v4Address } from '../core/address.ts';
import { PROBE_MARK } from '../core/instance.ts';
import { subnetOf, type Subnet } from '../core/subnet.ts';
import { ENOENT, KernelError } from '../native/kernel-error.ts';
import { NETLINK_NETFILTER } from '../native/netlink/constants.ts';
import { GET_SET_ELEMENTS, readSetKeys, writeSetQuery } from '../native/netlink/set-elements.ts';
import { RouteSocket } from '../native/route-socket.ts';
import { kernelFailure } from './kernel-errors.ts';
import { findProgram, runProgram, unlessGone } from './program.ts';

/** A pair is active for so long after its last packet. */
const ACTIVE_FOR = '10s';
const SET = 'active';

const PROBE_MARK_TEXT = `0x${PROBE_MARK.toString(16)}`;

export class Activity {
  readonly #table: string;
  #self: ProbeSelf | undefined;
  /** What the table is to say, and what it was made to say. */
  #wanted = '';
  #made: string | undefined;
  #socket: RouteSocket | undefined;

  /** @param instance eight hexadecimal digits: each daemon of a host has a table of its own */
  constructor(instance: string) {
    this.#table = `weft_${instance}`;
  }

  /** What counts as traffic from now on. Where nobody will ask, nothing counts it; a table that cannot be removed costs a little and harms nobody. ABORTED. */
  async watch(self: ProbeSelf, signal: AbortSignal): Promise<void> {
    this.#self = self;
    this.#wanted = this.#rules(self);
    if (self.watchesTraffic !== false || !this.#stands()) return;
    try {
      await this.forget(signal);
    } catch (error) {
      if (signal.aborted) throw error;
    }
  }

  #stands(): boolean {
    try {
      return this.#keys() !== undefined;
    } catch {
      // A kernel without nftables has no table of ours.
      return false;
    }
  }

  /** Undefined where nft is not installed. NOT_PERMITTED, KERNEL_REFUSED. */
  async read(signal: AbortSignal): Promise<ReadonlySet<Subnet> | undefined> {
    const self = this.#self;
    if (self === undefined) return undefined;
    const keys = this.#made === this.#wanted ? this.#keys() : undefined;
    if (keys !== undefined) return new Set(keys.map((key) => subnetOf(v4Address(key), self.subnetLength)));
    const nft = findProgram('nft');
    if (nft === undefined) return undefined;
    // Not there, another hand removed it, or it is to say something else: made anew in one transaction.
    const wanted = this.#wanted;
    await runProgram(nft, [wanted], signal);
    this.#made = wanted;
    return new Set();
  }

  async forget(signal: AbortSignal): Promise<void> {
    this.#socket?.close();
    this.#socket = undefined;
    this.#made = undefined;
    const nft = findProgram('nft');
    if (nft !== undefined) await unlessGone(runProgram(nft, [`delete table ip ${this.#table}`], signal));
  }

  /** Undefined: there is no such set. */
  #keys(): readonly number[] | undefined {
    try {
      this.#socket ??= new RouteSocket(NETLINK_NETFILTER);
      return this.#socket.dump(GET_SET_ELEMENTS, (w) => writeSetQuery(w, this.#table, SET), readSetKeys).flat();
    } catch (error) {
      if (error instanceof KernelError && error.errno === ENOENT) return undefined;
      throw kernelFailure(`read nftables set ${this.#table} ${SET}`, error);
    }
  }

  #rules({ base, network, subnetLength }: ProbeSelf): string {
    const whole = bitsOf(family(base));
    const mask = addressFrom(((1n << BigInt(subnetLength)) - 1n) << BigInt(whole - subnetLength), family(base));
    const table = `ip ${this.#table}`;
    return [
      `add table ${table}`,
      `delete table ${table}`,
      `table ${table} {
        set ${SET} { type ipv4_addr; size 65535; flags dynamic,timeout; timeout ${ACTIVE_FOR}; }
        chain sent {
          type filter hook postrouting priority 300; policy accept;
          ip daddr ${subnetOf(base, subnetLength)} return
          meta mark & ${PROBE_MARK_TEXT} == ${PROBE_MARK_TEXT} return
          ip saddr ${base} icmp type echo-reply return
          ip daddr ${network} update @${SET} { ip daddr & ${mask} }
        }
      }`,
    ].join('\n');
  }
}
