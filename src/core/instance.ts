/**
 * Names and numbers of one daemon on a host. Several daemons (each with a store, a prefix or table, and a network id of its own) share a host, so
 * whatever the kernel shares is allotted by slot: priorities, tables and marks from small ranges that nobody else is known to use.
 */

/** Routing protocol number of our routes and rules (rtm_protocol, FRA_PROTOCOL); free in iproute2's rt_protos. */
export const ROUTE_PROTOCOL = 87;

/** Routing table `main` (linux/rtnetlink.h, RT_TABLE_MAIN). */
export const MAIN_TABLE = 254;

/** Slots 0 to 31. */
export const SLOT_COUNT = 32;

const FIRST_RULE_PRIORITY = 8700;
const FIRST_TABLE = 8700;
const PER_SLOT = 10;

export interface Instance {
  /** Eight hexadecimal digits, from store, prefix or table, and network id. */
  readonly id: string;
  readonly slot: number;
}

export interface InstanceNumbers {
  /** All rules of the slot; probe rules take the first eight, the leak guard the last two. */
  readonly rulePriorities: { readonly from: number; readonly to: number };
  readonly guardLookupPriority: number;
  readonly guardUnreachablePriority: number;
  /** One routing table for each path, for probes alone. */
  readonly tables: readonly number[];
}

export function numbersOf(slot: number): InstanceNumbers {
  const from = FIRST_RULE_PRIORITY + slot * PER_SLOT;
  const table = FIRST_TABLE + slot * PER_SLOT;
  return {
    rulePriorities: { from, to: from + PER_SLOT - 1 },
    guardLookupPriority: from + 8,
    guardUnreachablePriority: from + 9,
    tables: [table, table + 1, table + 2, table + 3],
  };
}

/** IFNAMSIZ without its NUL (linux/if.h). */
const LONGEST_NAME = 15;

/** flannel's name where flannel's backend is vxlan, so that what flanneld left is taken over; else ours. With a VNI of eight digits no flanneld can have made one. */
export function vxlanLinkName(backendType: string, vni: number): string {
  const flannels = `flannel.${vni}`;
  return backendType === 'vxlan' && flannels.length <= LONGEST_NAME ? flannels : `weft.${vni}`;
}
