import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import { difference, kernelState } from '../../src/lab/kernel-state.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { closeLabs, CONFIG, never, startLab } from './cluster.ts';
import { onEachStore } from './on-each-store.ts';
import { monitor, type Monitor } from './netlink-monitor.ts';
import { written } from './written.ts';

onEachStore(import.meta.url, (store) => {
  describe('a restart with everything right', () => {
    let lab: Lab;
    let a1: LabHost;
    let watch: Monitor;
    const writes = written(store);

    before(async () => {
      lab = await startLab({ store, environment: writes.environment });
      await writes.start(lab);
      await lab.writeConfig(CONFIG);
      const hosts = ['a1', 'a2', 'b1'].map((name) => lab.host(name));
      await startHosts(hosts, hosts, never);
      a1 = lab.host('a1');
      watch = await monitor(lab, a1);
    });
    after(closeLabs);

    for (const [signal, ending] of [
      ['SIGTERM', 'exit code 0'],
      ['SIGKILL', 'SIGKILL'],
    ] as const) {
      it(`after ${signal} changes nothing in the kernel, and writes to the store but the adoption of its lease`, async () => {
        await writes.mark();
        const before = await a1.status();
        const state = await kernelState(a1);
        watch.mark();
        a1.daemon?.kill(signal);
        assert.equal(await a1.daemon?.ended, ending);
        a1.startDaemon();
        await a1.await('sees its peers', ({ ready, peers }) => (ready && peers.length === 2 ? true : undefined), never);
        await anotherPass(a1);
        // One conditional write: in DynamoDB of lease row, feed and counter together, in etcd of the lease and whose the subnet is.
        const key = leaseKeyOf({ v4: a1.container.subnet });
        const once = { dynamodb: 'TransactWriteItems', etcd: `subnets/${key} weft/held/${key} weft/last/${key}` }[
          store
        ];
        assert.deepEqual(await writes.look(), [once]);
        assert.deepEqual(await watch.changes(), []);
        assert.deepEqual(difference(state, await kernelState(a1)), []);
        const now = await a1.status();
        assert.deepEqual([now?.subnet, now?.epoch], [before?.subnet, before?.epoch]);
      });
    }
  });
});

/** One more than the first: what the first left undone would show now. */
async function anotherPass(host: LabHost): Promise<void> {
  const first = await host.await('makes a pass', (status) => status.pass?.number, never);
  host.daemon?.kill('SIGHUP');
  await host.await('makes another', (status) => ((status.pass?.number ?? 0) > first ? true : undefined), never);
}
