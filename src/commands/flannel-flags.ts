/** flannel's flags, of today and before, that this version does not carry, and what a person may do about each. */
const STORE = 'In this version one option names the store: --store etcd://HOST:PORT/PREFIX.';
const KUBERNETES = 'Weft reads no Kubernetes API: its network config stands in the store (weftd config set).';
const IPV6 = 'This version carries IPv4.';
const LOG = 'The log is set by --log-level.';
const HEALTH = 'Health is served at --health-listen IP:PORT.';
const GONE = 'flannel itself dropped it.';

export const NOT_CARRIED: Readonly<Record<string, string>> = {
  'etcd-endpoints': STORE,
  'etcd-prefix': STORE,
  'etcd-keyfile': STORE,
  'etcd-certfile': STORE,
  'etcd-cafile': STORE,
  'etcd-username': STORE,
  'etcd-password': STORE,
  'public-ipv6': IPV6,
  'subnet-lease-renew-margin': 'A lease is renewed after a third of Weft.LeaseTTL, which stands in the network config.',
  'ip-blackhole-route': 'Packets to the Network that have no route are always refused.',
  'kube-subnet-mgr': KUBERNETES,
  'kube-api-url': KUBERNETES,
  'kubeconfig-file': KUBERNETES,
  'kube-annotation-prefix': KUBERNETES,
  'net-config-path': KUBERNETES,
  'set-node-network-unavailable': KUBERNETES,
  'use-multi-cluster-cidr': KUBERNETES,
  'healthz-ip': HEALTH,
  'healthz-port': HEALTH,
  'subnet-dir': GONE,
  networks: GONE,
  'watch-networks': GONE,
  listen: GONE,
  remote: GONE,
  'remote-keyfile': GONE,
  'remote-certfile': GONE,
  'remote-cafile': GONE,
  v: LOG,
  vmodule: LOG,
  log_backtrace_at: LOG,
  logtostderr: LOG,
  alsologtostderr: LOG,
  stderrthreshold: LOG,
  log_dir: LOG,
};
