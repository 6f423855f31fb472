/** The suites that every store passes, on etcd. */
import { after, before, describe } from 'node:test';
import { leaseStoreContract } from '../contract/lease-store.ts';
import { recordsContract } from '../contract/records.ts';
import { EtcdServer, whyNoEtcd } from './etcd-server.ts';
import { EtcdWorld } from './etcd-world.ts';

describe('etcd', { skip: whyNoEtcd() ?? false }, () => {
  let server: EtcdServer;
  before(async () => {
    server = await EtcdServer.start();
  });
  after(() => server.stop());

  leaseStoreContract('etcd', async () => new EtcdWorld(server.endpoint));
  recordsContract('etcd', async () => new EtcdWorld(server.endpoint));
});
