import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { kernelState } from '../../src/lab/kernel-state.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { ip } from '../../src/lab/namespaces.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { enclosed } from '../lab/enclosed.ts';
import { whilePaused } from './paused.ts';
import { closeLabs, CONFIG, NETWORK, never, startCluster } from './cluster.ts';

enclosed(import.meta.url, () => {
  describe('on a host of a cluster, weftd', () => {
    let lab: Lab;
    let a1: LabHost;
    let b1: LabHost;

    before(async () => {
      lab = await startCluster(['a1', 'b1']);
      [a1, b1] = [lab.host('a1'), lab.host('b1')];
    });
    after(closeLabs);

    /** What a command prints; it ends as told, and says nothing else where it succeeds. */
    async function says(words: string, code = 0, input = ''): Promise<string> {
      const { stdout, stderr, code: ended } = await a1.tryWeftd(words.split(' '), input);
      assert.equal(ended, code, `weftd ${words}: ${stdout}${stderr}`);
      return code === 0 ? stdout : stderr;
    }

    it('status shows the lease, and each peer with its path and why not a better one', async () => {
      const text = await says('status');
      assert.match(text, new RegExp(a1.container.subnet));
      assert.match(text, new RegExp(`${b1.plan.node} .*${b1.container.subnet} .*vxlan +1450`));
      assert.match(text, /direct: .*172\.30\.2\.11 is not on the link/);
      assert.match(await says('status --json'), /^\{.*"state":"held","ready":true/);
    });

    it('explain tells all of one peer, by any of its names, and of nobody else', async () => {
      for (const name of [b1.plan.node, b1.container.subnet, b1.container.address, b1.plan.address]) {
        const text = await says(`explain ${name}`);
        assert.match(text, new RegExp(`peer +${b1.plan.node}`));
        assert.match(text, /direct +refused/);
        assert.match(text, new RegExp(`yes +route ${b1.container.subnet} via`));
        assert.doesNotMatch(text, /NO +(route|fdb|neighbour)/);
      }
      assert.match(await says('explain node-nobody', 2), /BAD_OPTION: no peer has .*"node-nobody"/);
    });

    it('plan has nothing to change where all is right, shows what it would repair, and changes nothing', async () => {
      const flags = `--iface eth0 --subnet-file ${a1.subnetFile}`;
      assert.match(await says(`plan ${flags}`), /Nothing to change/);
      await whilePaused(a1, async () => {
        await ip([`route delete ${b1.container.subnet}`], 'a1');
        const state = await kernelState(a1);
        assert.match(await says(`plan ${flags}`), new RegExp(`\\+ route ${b1.container.subnet} .*${b1.plan.node}`));
        assert.deepEqual(await kernelState(a1), state);
      });
    });

    it('lease list and lease show tell who has what', async () => {
      const list = await says('lease list');
      for (const host of [a1, b1]) {
        assert.match(
          list,
          new RegExp(`${host.container.subnet} +${host.plan.node} +${host.plan.address} +direct, vxlan`),
        );
      }
      assert.match(await says(`lease show ${b1.container.address}`), new RegExp(b1.plan.node));
      assert.match(await says('lease show 10.42.0.9', 2), /BAD_OPTION: no lease holds 10\.42\.0\.9/);
    });

    it('lease release frees no subnet of a living node', async () => {
      assert.match(await says(`lease release ${b1.container.subnet}`, 1), /SUBNET_IN_USE: .* leased by node-b1/);
      assert.match(await says('lease list'), new RegExp(b1.container.subnet));
    });

    it('lease reserve keeps a subnet for a node, which gets it when it joins', async () => {
      const a2 = lab.host('a2');
      const taken: readonly string[] = [a1.container.subnet, b1.container.subnet];
      const free = ['10.42.177.0/24', '10.42.178.0/24', '10.42.179.0/24'].find((subnet) => !taken.includes(subnet));
      assert.match(await says(`lease reserve 10.43.1.0/24 ${a2.plan.node}`, 2), /10\.43\.1\.0\/24.*10\.42\.0\.0\/16/);
      await says(`lease reserve ${free} ${a2.plan.node}`);
      assert.match(await says('lease list'), new RegExp(`${free} +${a2.plan.node}`));
      await startHosts([a2], [a1, a2, b1], never);
      assert.equal(a2.container.subnet, free);
      await says(`lease reserve --remove ${free}`);
      assert.doesNotMatch(await says('lease list'), /RESERVED/);
    });

    it('config get prints what config set wrote, and config check explains each error', async () => {
      assert.deepEqual(JSON.parse(await says('config get')), CONFIG);
      assert.match(await says('config check'), /Paths, the best first: direct, vxlan/);
      const wrong = JSON.stringify({ Network: NETWORK, SubnetLen: 8, Weft: { Path: ['vxlan'] } });
      const { code, stdout } = await a1.tryWeftd(['config', 'check', '-f', '-'], wrong);
      assert.equal(code, 2);
      assert.match(stdout, /unknown key "Path".*"Paths"/);
      assert.match(await says('config set -f -', 2, wrong), /nothing was written/);
      assert.deepEqual(JSON.parse(await says('config get')), CONFIG);
    });

    it('says that no daemon runs where none does', async () => {
      const { code, stderr } = await lab.host('b2').tryWeftd(['status']);
      assert.equal(code, 1);
      assert.match(stderr, /NO_DAEMON/);
    });
  });
});
