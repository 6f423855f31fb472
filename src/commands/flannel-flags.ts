/** flannel's flags, of today and before, that this version does not carry, and what a person may do about each. */
import { OPTIONS } from '../options.ts';

const KUBERNETES =
  'Weft reads no Kubernetes API: network config and leases stand in a store, named by --etcd-endpoints or --store.';
const REMOTE = 'Every weftd talks to the store itself: give it --etcd-endpoints. flannel dropped this in v0.8.0.';
const NETWORKS =
  'Run one weftd a network: weftd --etcd-prefix=PREFIX/NAME --subnet-file=DIR/NAME.env. flannel dropped this in v0.8.0.';

export const NOT_CARRIED: Readonly<Record<string, string>> = {
  'public-ipv6': 'This version carries IPv4.',
  'kube-subnet-mgr': KUBERNETES,
  'kube-api-url': KUBERNETES,
  'kubeconfig-file': KUBERNETES,
  'kube-annotation-prefix': KUBERNETES,
  'net-config-path': KUBERNETES,
  'set-node-network-unavailable': KUBERNETES,
  'use-multi-cluster-cidr': KUBERNETES,
  networks: NETWORKS,
  'watch-networks': NETWORKS,
  'subnet-dir': NETWORKS,
  listen: REMOTE,
  remote: REMOTE,
  'remote-keyfile': REMOTE,
  'remote-certfile': REMOTE,
  'remote-cafile': REMOTE,
};

/** Who sets one of these as a variable means another store than we would use: to go on would be worse than to end. */
export const NAME_ANOTHER_STORE = ['kube-subnet-mgr', 'networks', 'watch-networks', 'listen', 'remote'] as const;

/** Those that may be switched off. */
export const SWITCHES: ReadonlySet<string> = new Set([
  'kube-subnet-mgr',
  'set-node-network-unavailable',
  'use-multi-cluster-cidr',
  'watch-networks',
]);

/** The daemons that take the place of one with `networks`, by the values it was given. `valueOf`: of a flag, empty when it was not. */
export function insteadOf(flag: string, valueOf: (flag: string) => string): string {
  const instead = NOT_CARRIED[flag] ?? '';
  const names = valueOf('networks')
    .split(',')
    .filter((name) => name !== '');
  if (instead !== NETWORKS || names.length === 0) return instead;
  const prefix = (valueOf('etcd-prefix') || OPTIONS.etcdPrefix.fallback).replace(/\/+$/, '');
  const folder = (valueOf('subnet-dir') || '/run/flannel/networks').replace(/\/+$/, '');
  const daemons = names.map((name) => `weftd --etcd-prefix=${prefix}/${name} --subnet-file=${folder}/${name}.env`);
  return `Run one weftd a network: ${daemons.join('; ')}.`;
}
