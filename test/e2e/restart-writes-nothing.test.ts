import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { difference, kernelState } from '../../src/lab/kernel-state.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes } from './becomes.ts';
import { closeLabs, CONFIG, never, startLab } from './cluster.ts';
import { monitor, type Monitor } from './netlink-monitor.ts';
import { calls, startProxy, throughProxy, writes } from './watched-calls.ts';

/** So many polls of the feed, each of a host's a second, that all have looked more than once. */
const QUIET_CALLS = 12;

enclosed(import.meta.url, () => {
  describe('a restart with everything right', () => {
    let lab: Lab;
    let a1: LabHost;
    let watch: Monitor;

    before(async () => {
      lab = await startLab({ environment: throughProxy });
      await startProxy(lab);
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
        // Claimers that raced at the start left numbers in the feed unused, and some follower closes those a moment later.
        await becomes('nobody writes any more', [], () => writes(calls().slice(-QUIET_CALLS)));
        const before = await a1.status();
        const state = await kernelState(a1);
        const already = calls().length;
        watch.mark();
        a1.daemon?.kill(signal);
        assert.equal(await a1.daemon?.ended, ending);
        a1.startDaemon();
        await a1.await('sees its peers', ({ ready, peers }) => (ready && peers.length === 2 ? true : undefined), never);
        await anotherPass(a1);
        // One read and one conditional write of lease row, feed and counter together.
        assert.deepEqual(writes(calls().slice(already)), ['TransactWriteItems']);
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
