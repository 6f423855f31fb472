/** A host's interface loses its address and gets another, while its daemon runs: its lease, its tunnel and the ways of others to it follow. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { ip } from '../../src/lab/namespaces.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes } from './becomes.ts';
import { A1_A2_B1, closeLabs, never, networkUrl, reached, startCluster } from './cluster.ts';
import { EtcdHand } from './etcd-hand.ts';
import { runAs } from './run-as.ts';

const [BEFORE, AFTER] = ['172.30.1.12', '172.30.1.22'];

enclosed(import.meta.url, () => {
  describe('an interface that loses its address and gets another', () => {
    let lab: Lab;
    let a2: LabHost;
    /** One more on each of a1 and a2, of a network of host-gw. */
    let gateways: readonly LabHost[];

    before(async () => {
      lab = await startCluster(['a1', 'a2', 'b1'], { store: 'etcd' });
      a2 = lab.host('a2');
      gateways = ['a1', 'a2'].map((name) => {
        const store = networkUrl(lab, 'gateway');
        return lab.addDaemon(lab.host(name).plan, { folder: 'gateway', store, flags: ['--health-listen', 'off'] });
      });
      const config: JsonObject = { Network: '10.44.0.0/16', Backend: { Type: 'host-gw' } };
      await gateways[0]?.weftd(['config', 'set', '-f', '-'], JSON.stringify(config));
      for (const host of [a2, ...gateways]) {
        await host.killDaemon();
        // The lab's hosts are told their address; these look for themselves.
        const store = host.environment['FLANNELD_STORE'] ?? '';
        runAs(lab, host, ['--store', store, '--subnet-file', host.subnetFile, '--health-listen', 'off']);
      }
      await becomes('all is as it should be', A1_A2_B1, () => reached(lab, [lab.host('a1'), a2, lab.host('b1')]));
      await becomes('the gateways know each other', BEFORE, nextHop);
    });
    after(closeLabs);

    /** Of a1 to a2's subnet of the network of host-gw. */
    async function nextHop(): Promise<string | undefined> {
      const subnet = (await gateways[1]?.status())?.subnet;
      const route = await lab.host('a1').run(['ip', 'route', 'show', subnet ?? '10.44.0.0/24', 'dev', 'eth0']);
      return / via (\S+)/.exec(route)?.[1];
    }

    const lease = async (): Promise<string> =>
      (await new EtcdHand(lab).get(`subnets/${a2.container.subnet.replace('/', '-')}`))?.value ?? '';

    it('without one the last stays in force, and it is told', async () => {
      await ip([`address delete ${BEFORE}/24 dev eth0`], 'a2');
      await a2.await('says so', ({ findings }) => findings.find(({ code }) => code === 'UPLINK_NOT_FOUND'), never);
      assert.match(await lease(), new RegExp(`^\\{"PublicIP":"${BEFORE}"`));
    });

    it('then lease and tunnel have the new one, and all reach it again, by the same paths', async () => {
      await ip([`address add ${AFTER}/24 dev eth0`, 'route add default via 172.30.1.1'], 'a2');
      await becomes('the lease says it', true, async () => (await lease()).startsWith(`{"PublicIP":"${AFTER}"`));
      await becomes('the tunnel leaves from it', true, async () =>
        (await a2.run(['ip', '-d', 'link', 'show', 'weft.1'])).includes(` local ${AFTER} `),
      );
      await becomes('b1 sends there', true, async () =>
        (await lab.host('b1').run(['bridge', 'fdb', 'show', 'dev', 'weft.1'])).includes(` dst ${AFTER} `),
      );
      await becomes('all reach each other', A1_A2_B1, () => reached(lab, [lab.host('a1'), a2, lab.host('b1')]), 60_000);
      assert.match(
        await lab.host('a1').run(['ip', 'route', 'show', a2.container.subnet]),
        new RegExp(` via ${AFTER} dev eth0 `),
      );
    });

    it('routes of host-gw follow too', async () => {
      await becomes('a1 sends there', AFTER, nextHop);
      const base = (await gateways[1]?.status())?.address ?? '';
      assert.equal((await lab.pinger.ping('a1', parseAddress(base), 3)).answered, 3);
    });
  });
});
