/** A real etcd for a benchmark's host. */
import { Etcd3, type IRequestOp } from 'etcd3';
import { Keys } from '../../providers/etcd/keys.ts';
import { openEtcdStore } from '../../providers/etcd/open-store.ts';
import { encodeLeaseValue } from '../../src/core/lease-value.ts';
import type { Lease } from '../../src/core/lease.ts';
import { CryptoRandom } from '../../src/system/crypto-random.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import { EtcdServer } from '../etcd/etcd-server.ts';
import { TTL_MS, type BenchStore } from './bench-store.ts';
import { CONFIG_TEXT } from './large-cluster.ts';

const PREFIX = '/bench/network';
/** etcd's default for operations in one transaction is 128. */
const TOGETHER = 100;

export async function etcdBenchStore(): Promise<BenchStore> {
  const server = await EtcdServer.start();
  const url = `etcd://${server.endpoint}${PREFIX}`;
  const opened = openEtcdStore(url, { clock: new SystemClock(), random: new CryptoRandom() });
  await opened.store.writeConfig(CONFIG_TEXT, 'absent', new AbortController().signal);
  const raw = new Etcd3({ hosts: `http://${server.endpoint}` });
  const { ID } = await raw.leaseClient.leaseGrant({ TTL: TTL_MS / 1000 });
  const keys = new Keys(PREFIX);

  const put = ({ key, attributes }: Lease) => ({
    key: Buffer.from(keys.lease(key)),
    value: Buffer.from(encodeLeaseValue(attributes)),
    lease: ID,
  });
  const together = async (leases: readonly Lease[]): Promise<void> => {
    for (let at = 0; at < leases.length; at += TOGETHER) {
      const success = leases.slice(at, at + TOGETHER).map((lease): IRequestOp => ({ request_put: put(lease) }));
      await raw.kv.txn({ compare: [], success, failure: [] });
    }
  };
  return {
    leases: opened.store,
    url: () => url,
    fill: together,
    join: async (newcomers, arrival) => {
      if (arrival === 'together') await together(newcomers);
      else await Promise.all(newcomers.map((lease) => raw.kv.put(put(lease))));
    },
    close: async () => {
      opened.close();
      raw.close();
      await server.stop();
    },
  };
}
