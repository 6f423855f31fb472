/**
 * Names and numbers of one daemon on a host. Several daemons (each with a store, a prefix or table, and a network id of its own) share a host, so
 * whatever the kernel shares is allotted by slot: priorities, tables and marks from small ranges that nobody else is known to use.
 */

import { PATH_NAMES, type PathName } from './path.ts';

/** Routing protocol number of our routes and rules (rtm_protocol, FRA_PROTOCOL); free in iproute2's rt_protos. */
export const ROUTE_PROTOCOL = 87;

/** Routing table `main` (linux/rtnetlink.h, RT_TABLE_MAIN). */
export const MAIN_TABLE = 254;

/** Slots 0 to 31. */
export const SLOT_COUNT = 32;

const FIRST_RULE_PRIORITY = 8700;
const FIRST_TABLE = 8700;
const PER_SLOT = 10;

/**
 * Packet marks of probes: one bit that says so, five for the slot, two for the path. Clear of kube-proxy's 0x4000 and 0x8000, of 0x2000 (port mapping of CNI plugins),
 * of Cilium's 0x0f00, of 0x80 (AWS's CNI plugin), and of the upper half (Calico, Tailscale, Cilium).
 */
const MARK_MASK = 0x107f;
const FIRST_MARK = 0x1000;
const MARKS_PER_SLOT = 4;

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
  /** Which marks are this daemon's: those that equal `first` in the bits of `mask`. The bits of one path are in `steeringOf`. */
  readonly marks: { readonly mask: number; readonly first: number };
}

/** How a probe is brought on to its path: packets with the mark look in the table, and nowhere else. */
export interface Steering {
  readonly mark: number;
  readonly mask: number;
  readonly table: number;
  readonly lookupPriority: number;
  readonly unreachablePriority: number;
}

export function numbersOf(slot: number): InstanceNumbers {
  const from = FIRST_RULE_PRIORITY + slot * PER_SLOT;
  const table = FIRST_TABLE + slot * PER_SLOT;
  return {
    rulePriorities: { from, to: from + PER_SLOT - 1 },
    guardLookupPriority: from + 8,
    guardUnreachablePriority: from + 9,
    tables: [table, table + 1, table + 2, table + 3],
    marks: { mask: MARK_MASK & ~(MARKS_PER_SLOT - 1), first: FIRST_MARK | (slot * MARKS_PER_SLOT) },
  };
}

/** The routing table of a path, where its probes look. */
export const probeTableOf = ({ tables }: Pick<InstanceNumbers, 'tables'>, path: PathName): number =>
  tables[PATH_NAMES.indexOf(path)] ?? MAIN_TABLE;

export function steeringOf({ rulePriorities, tables, marks }: InstanceNumbers, path: PathName): Steering {
  const place = PATH_NAMES.indexOf(path);
  return {
    mark: marks.first | place,
    mask: MARK_MASK,
    table: probeTableOf({ tables }, path),
    lookupPriority: rulePriorities.from + 2 * place,
    unreachablePriority: rulePriorities.from + 2 * place + 1,
  };
}

/** IFNAMSIZ without its NUL (linux/if.h). */
const LONGEST_NAME = 15;

/** flannel's name where flannel's backend is vxlan, so that what flanneld left is taken over; else ours. With a VNI of eight digits no flanneld can have made one. */
export function vxlanLinkName(backendType: string, vni: number): string {
  const flannels = `flannel.${vni}`;
  return backendType === 'vxlan' && flannels.length <= LONGEST_NAME ? flannels : `weft.${vni}`;
}
