/** A host of a cluster of flanneld's whose routes lead to the peers themselves, on the link: weftd takes them over, gives them back, and takes them over again. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { JsonObject } from '../../src/core/json.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { SteadyFlows } from '../../src/lab/steady-flows.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes } from './becomes.ts';
import { closeLabs, NETWORK, never, startLab } from './cluster.ts';
import { EtcdHand } from './etcd-hand.ts';
import { Flanneld, type FlannelConfig } from './flanneld.ts';

export interface Heritage {
  readonly by: string;
  readonly backend: JsonObject;
  readonly flannel: Omit<FlannelConfig, 'network'>;
  /** The hosts besides a1, with their subnets and the paths that a1 takes to them. */
  readonly peers: Readonly<Record<string, readonly [subnet: string, path: string]>>;
}

/** What another hand's routes look like that are no peer's: flanneld's to one that is gone, an administrator's. */
const STRANGERS = ['10.42.77.0/24 via 172.30.1.77', '10.42.78.0/24 via 172.30.1.1'];
const ROUNDS = 2;
const PINGS = 50;

export function takesOver(url: string, { by, backend, flannel, peers }: Heritage): void {
  enclosed(url, () => {
    describe(`a host that changes from flanneld to weftd and back, by ${by}`, () => {
      let lab: Lab;
      let a1: LabHost;
      let flanneld: Flanneld;
      let flows: SteadyFlows;

      const routes = async (subnet: string): Promise<string> => (await a1.run(['ip', 'route', 'show', subnet])).trim();

      before(async () => {
        lab = await startLab({ store: 'etcd' });
        const hand = new EtcdHand(lab);
        const begin = async (name: string, subnet: string): Promise<Flanneld> => {
          const one = new Flanneld(lab.host(name), hand, { network: NETWORK, ...flannel });
          await one.start(subnet);
          await one.host.addContainer(never);
          return one;
        };
        await lab.writeConfig({ Network: NETWORK, Backend: backend });
        a1 = lab.host('a1');
        flanneld = await begin('a1', '10.42.11.0/24');
        const all = [flanneld];
        for (const [name, [subnet]] of Object.entries(peers)) all.push(await begin(name, subnet));
        for (const one of all) await one.follow();
        for (const route of STRANGERS) await a1.run(['ip', 'route', 'add', ...route.split(' ')]);
        flows = new SteadyFlows(
          lab,
          Object.keys(peers).flatMap((name) => [['a1', name] as const, [name, 'a1'] as const]),
        );
        await flows.more(PINGS, never);
      });
      after(closeLabs);

      for (let round = 1; round <= ROUNDS; round++) {
        it(`weftd makes the routes to peers its own, and no other (${round})`, async () => {
          flanneld.kill();
          a1.startDaemon();
          await a1.await(
            'takes each peer’s path',
            (status) => (status.ready && status.peers.every(isTaken) ? true : undefined),
            never,
          );
          for (const [subnet] of Object.values(peers))
            await becomes(`route to ${subnet}`, true, async () =>
              /^\S+ [^\n]*proto 87 src 10\.42\.11\.0/.test(await routes(subnet)),
            );
          for (const route of STRANGERS)
            assert.match(await routes(route.split(' ')[0] ?? ''), new RegExp(`^${route} dev eth0 *$`));
          assert.deepEqual((await a1.status())?.pass?.failed, []);
          await flows.more(PINGS, never);
        });

        it(`flanneld finds its subnet, and routes that lead as its own would (${round})`, async () => {
          a1.daemon?.kill('SIGTERM');
          await a1.daemon?.ended;
          await flanneld.start('10.42.99.0/24');
          assert.equal(flanneld.subnet, '10.42.11.0/24');
          await flows.more(PINGS, never);
        });
      }

      it('what is Weft’s alone goes by cleanup --hand-over, and flanneld’s traffic goes on', async () => {
        await a1.weftd(['cleanup', '--hand-over', '--subnet-file', a1.subnetFile]);
        const left = await a1.run(['ip', 'route', 'show', 'root', NETWORK]);
        assert.deepEqual(left.match(/^unreachable .*|.* metric .*/gm), null);
        for (const [subnet] of Object.values(peers)) assert.notEqual(await routes(subnet), '');
        await flows.more(PINGS, never);
      });

      it('no ping was lost in all that', async () => {
        const { lostPings, losers, sentPings } = await flows.stop();
        assert.equal(lostPings, 0, losers.join());
        assert.ok(sentPings > 0);
      });

      const isTaken = ({ subnet, path }: { readonly subnet: string; readonly path: string }): boolean =>
        Object.values(peers).some(([theirs, wanted]) => theirs === subnet && wanted === path);
    });
  });
}
