/** Names and numbers by which the kernel's things of ours are told from others'. */
import { PATH_NAMES, type PathName } from './path.ts';

/** Routing protocol number of our routes (rtm_protocol); free in iproute2's rt_protos. */
export const ROUTE_PROTOCOL = 87;

/**
 * Packet mark of probes and their answers, whichever daemon's: one bit. Clear of kube-proxy's 0x4000 and 0x8000, of 0x2000 (port mapping of CNI plugins), of Cilium's 0x0f00,
 * of 0x80 (AWS's CNI plugin), and of the upper half (Calico, Tailscale, Cilium). Nothing is routed by it: it says what is no traffic.
 */
export const PROBE_MARK = 0x1000;

const FIRST_STANDBY_METRIC = 8700;

/** Metric of the routes that stand by for the probes of a path; traffic's have none, so it never takes one of these. */
export const standbyMetric = (path: PathName): number => FIRST_STANDBY_METRIC + PATH_NAMES.indexOf(path);

/** One daemon of a host. */
export interface Instance {
  /** Eight hexadecimal digits, from store, prefix or table, and network id. */
  readonly id: string;
}

/** Table of nftables with a daemon's masquerade rules, by `Instance.id`. */
export const masqueradeTableOf = (instance: string): string => `weft_masq_${instance}`;

/** Chain of iptables with them where there is no nft, named as flannel's FLANNEL-POSTRTG; at most 28 characters (XT_EXTENSION_MAXNAMELEN). */
export const masqueradeChainOf = (instance: string): string => `WEFT-POSTRTG-${instance}`;

/** IFNAMSIZ without its NUL (linux/if.h). */
const LONGEST_NAME = 15;

/** flannel's name where flannel's backend is vxlan, so that what flanneld left is taken over; else ours. With a VNI of eight digits no flanneld can have made one. */
export function vxlanLinkName(backendType: string, vni: number): string {
  const flannels = `flannel.${vni}`;
  return backendType === 'vxlan' && flannels.length <= LONGEST_NAME ? flannels : `weft.${vni}`;
}
