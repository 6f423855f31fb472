/** An etcd in the lab: the real one, of the Debian package. It listens nowhere but in the store's namespace. */
import path from 'node:path';
import { SERVICES, type StoreProgram } from './store.ts';
import type { StorePlan } from './topology.ts';

const NAME = 'lab';
const PEER_URL = 'http://127.0.0.1:2380';

/** @param dataFolder in memory: what etcd flushes at each write is flushed nowhere. It takes 130 MB there, most of it room for its log. */
export function etcdProgram({ address }: StorePlan, dataFolder: string): StoreProgram {
  const { port, title } = SERVICES.etcd;
  const clientUrl = `http://${address}:${port}`;
  const flags = [
    ['--name', NAME],
    ['--data-dir', path.join(dataFolder, 'etcd')],
    ['--listen-client-urls', clientUrl],
    ['--advertise-client-urls', clientUrl],
    ['--listen-peer-urls', PEER_URL],
    ['--initial-advertise-peer-urls', PEER_URL],
    ['--initial-cluster', `${NAME}=${PEER_URL}`],
    // Before it serves it elects itself, after a second by default: there is nobody to wait for.
    ['--heartbeat-interval', '20'],
    ['--election-timeout', '100'],
  ];
  const networkUri = (network: string): string => `etcd://${address}:${port}/coreos.com/${network}`;
  return {
    kind: 'etcd',
    title,
    command: ['etcd', ...flags.flat()],
    withinMs: 60_000,
    saysWhenItServes: 'ready to serve client requests',
    keepsData: true,
    // flannel's own prefix.
    uri: networkUri('network'),
    networkUri,
    environment: {},
  };
}
