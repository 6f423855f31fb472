import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes } from './becomes.ts';
import { closeLabs, CONFIG, NETWORK, never, reached, startLab } from './cluster.ts';

const ALL = ['a1>b1 vxlan', 'b1>a1 vxlan'];

/** What dockerd sets up, as far as the FORWARD chain goes (moby, libnetwork/iptables). */
const AS_DOCKER_DOES = [
  '-P FORWARD DROP',
  '-N DOCKER-USER',
  '-N DOCKER-ISOLATION-STAGE-1',
  '-A DOCKER-USER -j RETURN',
  '-A DOCKER-ISOLATION-STAGE-1 -j RETURN',
  '-A FORWARD -j DOCKER-USER',
  '-A FORWARD -j DOCKER-ISOLATION-STAGE-1',
  '-A FORWARD -i docker0 ! -o docker0 -j ACCEPT',
];

const iptables = (host: LabHost, words: string): Promise<string> => host.run(['iptables', ...words.split(' ')]);
const rules = async (host: LabHost): Promise<readonly string[]> => (await iptables(host, '-S')).trim().split('\n');
/** Which of our two stands first makes no difference. */
const own = async (host: LabHost): Promise<readonly string[]> =>
  (await rules(host)).filter((rule) => rule.includes(NETWORK)).toSorted();
const foreign = async (host: LabHost): Promise<readonly string[]> =>
  (await rules(host)).filter((rule) => !rule.includes(NETWORK));

enclosed(import.meta.url, () => {
  describe('on hosts where FORWARD drops', () => {
    let lab: Lab;
    let a1: LabHost;
    let b1: LabHost;
    let ofDocker: readonly string[];

    before(async () => {
      lab = await startLab();
      await lab.writeConfig(CONFIG);
      [a1, b1] = [lab.host('a1'), lab.host('b1')];
      for (const words of AS_DOCKER_DOES) await iptables(a1, words);
      await iptables(b1, '-P FORWARD DROP');
      ofDocker = await foreign(a1);
      await startHosts([a1, b1], [a1, b1], never);
    });
    after(closeLabs);

    it('containers reach each other, with Docker’s chains and without', async () => {
      assert.deepEqual(await reached(lab), ALL);
    });

    it('the accepts stand where Docker leaves room for them, and nothing of Docker’s has changed', async () => {
      assert.deepEqual(await foreign(a1), ofDocker);
      const chains = async (host: LabHost) => (await own(host)).map((rule) => rule.split(' ')[1]);
      assert.deepEqual(await chains(a1), ['DOCKER-USER', 'DOCKER-USER']);
      assert.deepEqual(await chains(b1), ['FORWARD', 'FORWARD']);
    });

    for (const [name, damage] of [
      ['one accept is deleted', deleteOne],
      ['Docker starts anew and flushes its chains', flush],
    ] as const) {
      it(`${name}: it comes back by itself`, async () => {
        const before = await Promise.all([own(a1), own(b1)]);
        await damage();
        await becomes('the accepts stand', before, () => Promise.all([own(a1), own(b1)]));
        assert.deepEqual(await reached(lab), ALL);
      });
    }

    it('they go with a drained daemon, and nothing else does', async () => {
      await a1.weftd(['drain']);
      await a1.daemon?.ended;
      assert.deepEqual(await own(a1), []);
      assert.ok(ofDocker.every((rule) => !rule.includes(NETWORK)));
      // The flush above took Docker's own rule with it.
      assert.deepEqual(
        await foreign(a1),
        ofDocker.filter((rule) => rule !== '-A DOCKER-USER -j RETURN'),
      );
    });

    async function deleteOne(): Promise<void> {
      for (const host of [a1, b1]) {
        await iptables(host, `-D ${host === a1 ? 'DOCKER-USER' : 'FORWARD'} 1`);
      }
    }

    async function flush(): Promise<void> {
      await iptables(a1, '-F DOCKER-USER');
      await iptables(b1, '-F FORWARD');
    }
  });
});
