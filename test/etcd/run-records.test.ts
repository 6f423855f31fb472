/** What reconcilers keep in the store, on etcd. */
import { after, before, describe } from 'node:test';
import { lockProcesses } from '../contract/lock-processes.ts';
import { runRecordsContract } from '../contract/run-records.ts';
import { EtcdServer, whyNoEtcd } from './etcd-server.ts';
import { EtcdWorld } from './etcd-world.ts';

describe('etcd', { skip: whyNoEtcd() ?? false }, () => {
  let server: EtcdServer;
  before(async () => {
    server = await EtcdServer.start();
  });
  after(() => server.stop());

  runRecordsContract('etcd', async () => new EtcdWorld(server.endpoint));

  describe('the lock of processes', () => {
    lockProcesses(async () => {
      const world = new EtcdWorld(server.endpoint);
      const url = `etcd://${server.endpoint}${world.prefix}`;
      await world.close();
      return { url };
    });
  });
});
