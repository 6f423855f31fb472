import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { difference, kernelState } from '../../src/lab/kernel-state.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { restored } from './becomes.ts';
import { A1_A2_B1, closeLabs, networkUrl, never, reached, startCluster } from './cluster.ts';
import { onEachStore } from './on-each-store.ts';

const config = (Network: string, more: object): string =>
  JSON.stringify({ Network, Weft: { Paths: ['direct', 'vxlan'], ...more } });

onEachStore(import.meta.url, (store) => {
  describe('two daemons with two networks on one host', () => {
    let lab: Lab;
    let seconds: readonly LabHost[];
    /** a1's kernel with the first network alone. */
    let alone: readonly string[];

    before(async () => {
      lab = await startCluster(['a1', 'a2', 'b1'], { store });
      alone = await kernelState(lab.host('a1'));
      seconds = ['a1', 'a2', 'b1'].map((name) => daemonBeside(lab, name, 'second'));
      await seconds[0]?.weftd(['config', 'set', '-f', '-'], config('10.43.0.0/16', { VXLAN: { VNI: 2, Port: 8473 } }));
      for (const host of seconds) host.startDaemon();
      await Promise.all(seconds.map(seesTwoPeers));
    });
    after(closeLabs);

    it('carry both networks', async () => {
      assert.deepEqual(await reached(lab), A1_A2_B1);
      assert.deepEqual(await basesReached(seconds), ['a1>a2', 'a1>b1', 'a2>a1', 'a2>b1', 'b1>a1', 'b1>a2']);
    });

    it('do not touch each other’s entries', async () => {
      const changes = difference(alone, await kernelState(lab.host('a1')));
      const touched = changes.filter((line) => line.startsWith('-') || line.includes('10.42.'));
      assert.deepEqual(touched, []);
    });

    it('repair their own when all routes of both are flushed', async () => {
      const a1 = lab.host('a1');
      const state = await kernelState(a1);
      await a1.run(['ip', 'route', 'flush', 'proto', '87']);
      await restored(a1, state);
    });

    it('are told apart by commands', async () => {
      const [a1] = seconds;
      assert.ok(a1);
      assert.match(await lab.host('a1').weftd(['status', '--json']), /"network":"10\.42\.0\.0\/16"/);
      assert.match(await a1.weftd(['status', '--json']), /"network":"10\.43\.0\.0\/16"/);
    });

    for (const [what, more] of [
      ['the same VNI', {}],
      ['the same VNI, which it does not use', { Paths: ['direct'] }],
    ] as const) {
      it(`do not get into each other’s way with ${what}`, async () => {
        const a1 = lab.host('a1');
        const state = await kernelState(a1);
        const third = daemonBeside(lab, 'a1', `third${Object.keys(more).length}`);
        await third.weftd(['config', 'set', '-f', '-'], config('10.44.0.0/16', more));
        third.startDaemon();
        if ('Paths' in more) await third.await('is ready', ({ ready }) => (ready ? true : undefined), never);
        else {
          assert.equal(await third.daemon?.ended, 'exit code 1');
          const why = /LINK_FOREIGN: device weft\.1 belongs to another weftd of this host of Network 10\.42\.0\.0\/16/;
          assert.match(readFileSync(third.logFile, 'utf8'), why);
        }
        // What the other one would do shows when the first looks again.
        a1.daemon?.kill('SIGHUP');
        assert.deepEqual(await reached(lab), A1_A2_B1);
        const gone = difference(state, await kernelState(a1)).filter((line) => line.startsWith('-'));
        assert.deepEqual(gone, []);
        await third.killDaemon();
        await third.weftd(['cleanup', '--all', '--subnet-file', third.subnetFile]);
        assert.deepEqual(difference(state, await kernelState(a1)), []);
      });
    }

    it('do not share a Network: the one that comes second ends before it touches anything', async () => {
      const state = await kernelState(lab.host('a1'));
      const third = daemonBeside(lab, 'a1', 'overlapping');
      const other = config('10.42.64.0/18', { VXLAN: { VNI: 3, Port: 8474 } });
      await third.weftd(['config', 'set', '-f', '-'], other);
      third.startDaemon();
      assert.notEqual(await third.daemon?.ended, 'exit code 0');
      const why = /NETWORK_OVERLAP: Network 10\.42\.64\.0\/18 overlaps 10\.42\.0\.0\/16, the Network of another weftd/;
      assert.match(readFileSync(third.logFile, 'utf8'), why);
      assert.deepEqual(difference(state, await kernelState(lab.host('a1'))), []);
    });

    it('do not write one subnet.env', async () => {
      const a1 = lab.host('a1');
      const text = readFileSync(a1.subnetFile, 'utf8');
      const third = daemonBeside(lab, 'a1', 'third1', ['--subnet-file', a1.subnetFile]);
      third.startDaemon();
      const failed = await third.await(
        'says so',
        ({ pass }) => pass?.failed.find(({ code }) => code === 'SUBNET_FILE_FOREIGN'),
        never,
      );
      assert.match(failed.message, /is written by another weftd of this host of Network 10\.42\.0\.0\/16/);
      assert.equal(readFileSync(a1.subnetFile, 'utf8'), text);
      await third.killDaemon();
      await third.weftd(['cleanup', '--all', '--subnet-file', a1.subnetFile]);
      assert.equal(readFileSync(a1.subnetFile, 'utf8'), text);
    });

    it('leave the other network alone when one is drained and cleaned up', async () => {
      await Promise.all(
        seconds.map(async (host) => {
          await host.weftd(['drain']);
          await host.daemon?.ended;
          await host.weftd(['cleanup', '--subnet-file', host.subnetFile]);
        }),
      );
      assert.deepEqual(difference(alone, await kernelState(lab.host('a1'))), []);
      assert.deepEqual(await reached(lab), A1_A2_B1);
    });
  });
});

function daemonBeside(lab: Lab, name: string, network: string, more: readonly string[] = []): LabHost {
  const flags = ['--health-listen', 'off', ...more];
  return lab.addDaemon(lab.host(name).plan, { folder: network, store: networkUrl(lab, network), flags });
}

const seesTwoPeers = (host: LabHost): Promise<true> =>
  host.await(
    'sees two peers of the second network, each by the path that it stays on',
    ({ ready, peers }) =>
      ready && peers.filter(({ path: by, settled }) => by !== 'none' && settled).length === 2 ? true : undefined,
    never,
  );

/** Each host's own kernel pings the others' bases of the second network. */
async function basesReached(hosts: readonly LabHost[]): Promise<readonly string[]> {
  const bases = await Promise.all(hosts.map(async (host) => ({ host, base: (await host.status())?.address })));
  const pairs = bases.flatMap((from) => bases.filter((to) => to !== from).map((to) => ({ from, to })));
  const pinged = await Promise.all(
    pairs.map(async ({ from, to }) => {
      const answered = await from.host.run(['ping', '-c', '2', '-i', '0.2', '-W', '2', to.base ?? 'nowhere']).then(
        () => true,
        () => false,
      );
      return answered ? `${from.host.name}>${to.host.name}` : [];
    }),
  );
  return pinged.flat().toSorted();
}
