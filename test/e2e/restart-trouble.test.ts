import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { difference, kernelState } from '../../src/lab/kernel-state.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { SteadyFlows } from '../../src/lab/steady-flows.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes, fileBecomes, restored } from './becomes.ts';
import { closeLabs, never, reached, startCluster } from './cluster.ts';

const OTHERS = 'FLANNEL_NETWORK=10.9.0.0/16\nFLANNEL_SUBNET=10.9.3.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=false\n';

enclosed(import.meta.url, () => {
  describe('a daemon that is started again', () => {
    let lab: Lab;
    let a1: LabHost;
    let file: string;
    let state: readonly string[];

    before(async () => {
      lab = await startCluster(['a1', 'a2', 'b1']);
      a1 = lab.host('a1');
      file = readFileSync(a1.subnetFile, 'utf8');
      state = await kernelState(a1);
    });
    after(closeLabs);

    it('while the store is away: leaves everything as it is, says so, and goes on when the store is back', async () => {
      const flows = new SteadyFlows(lab, [
        ['a1', 'a2'],
        ['a1', 'b1'],
        ['b1', 'a1'],
      ]);
      const subnet = a1.container.subnet;
      await lab.setCable(lab.topology.store, 'down');
      await a1.killDaemon();
      a1.startDaemon();
      await a1.await('says so', ({ findings }) => findings.find(({ code }) => code === 'STORE_UNREACHABLE'), never);
      assert.equal(readFileSync(a1.subnetFile, 'utf8'), file);
      await lab.setCable(lab.topology.store, 'up');
      assert.equal(await a1.await('is ready', (status) => (status.ready ? status.subnet : undefined), never), subnet);
      const { lostPings, losers } = await flows.stop();
      assert.equal(lostPings, 0, losers.join());
      assert.deepEqual(difference(state, await kernelState(a1)), []);
    });

    for (const [what, damage, word] of [
      [
        'of another network',
        (): void => writeFileSync(a1.subnetFile, OTHERS),
        /SUBNET_FILE_FOREIGN.*Network 10\.9\.0\.0/,
      ],
      ['no text at all', (): void => writeFileSync(a1.subnetFile, Buffer.from([0xff, 0x00, 0xfe, 0x0a, 0x80])), /./],
      [
        'a list',
        (): void =>
          writeFileSync(
            a1.subnetFile,
            file.replace('FLANNEL_SUBNET=', 'FLANNEL_SUBNET=10.42.251.1/24,10.42.252.1/24,'),
          ),
        /./,
      ],
      ['gone', (): void => rmSync(a1.subnetFile), /./],
    ] as const) {
      it(`with a subnet.env that is ${what}: keeps its subnet and writes the file anew`, async () => {
        await restart(damage);
        await fileBecomes(a1.subnetFile, file);
        await a1.await('is ready', ({ ready }) => (ready ? true : undefined), never);
        await becomes('the log says so', true, () => logged(word));
        assert.deepEqual(difference(state, await kernelState(a1)), []);
      });
    }

    it('with a subnet.env that cannot be read: says so, and goes on without; then writes it', async () => {
      await restart(() => {
        rmSync(a1.subnetFile);
        mkdirSync(a1.subnetFile);
      });
      const status = await a1.await('makes a pass', (it) => (it.pass === null ? undefined : it), never);
      assert.deepEqual([status.state, status.ready], ['held', false]);
      assert.match(status.unready.join(), /subnet file is not written/);
      await becomes('the log says why', true, () => logged(/SUBNET_FILE_UNREADABLE/));
      await a1.run(['ip', 'route', 'flush', 'proto', '87']);
      await restored(a1, state);
      rmdirSync(a1.subnetFile);
      a1.daemon?.kill('SIGHUP');
      await a1.await('is ready', ({ ready }) => (ready ? true : undefined), never);
      assert.equal(readFileSync(a1.subnetFile, 'utf8'), file);
    });

    it('without its state directory: finds its lease in the store, and changes nothing', async () => {
      await restart(() => rmSync(a1.stateFolder, { recursive: true }));
      await a1.await('is ready', ({ ready, peers }) => (ready && peers.length === 2 ? true : undefined), never);
      assert.deepEqual(difference(state, await kernelState(a1)), []);
      assert.equal(
        (await reached(lab)).some((pair) => pair.includes('LOST')),
        false,
      );
    });

    const logged = (words: RegExp): boolean => words.test(readFileSync(a1.logFile, 'utf8'));

    async function restart(damage: () => void): Promise<void> {
      await a1.killDaemon();
      damage();
      a1.startDaemon();
    }
  });
});
