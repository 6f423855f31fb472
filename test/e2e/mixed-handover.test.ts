/** One host of a cluster of flanneld's changes over to weftd, back, and over again: its subnet, its MAC and its neighbours' traffic stay. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { SteadyFlows } from '../../src/lab/steady-flows.ts';
import { enclosed } from '../lab/enclosed.ts';
import { closeLabs, NETWORK, never, reached, startLab } from './cluster.ts';
import { EtcdHand } from './etcd-hand.ts';
import { Flanneld } from './flanneld.ts';

const FLANNEL = { network: NETWORK, type: 'vxlan' } as const;

enclosed(import.meta.url, () => {
  describe('a host that changes from flanneld to weftd and back', () => {
    let lab: Lab;
    let hand: EtcdHand;
    let a1: LabHost;
    let b2: LabHost;
    /** On a1, and on b1, where it stays. */
    let flanneld: Flanneld;
    let neighbour: Flanneld;
    let flows: SteadyFlows;
    let first: { readonly created: number; readonly index: string };

    before(async () => {
      lab = await startLab({ store: 'etcd' });
      hand = new EtcdHand(lab);
      a1 = lab.host('a1');
      b2 = lab.host('b2');
      await lab.writeConfig({ Network: NETWORK, Backend: { Type: 'vxlan' } });
      flanneld = new Flanneld(a1, hand, FLANNEL);
      neighbour = new Flanneld(lab.host('b1'), hand, FLANNEL);
      await flanneld.start('10.42.11.0/24');
      await neighbour.start('10.42.21.0/24');
      const a2 = lab.host('a2');
      a2.startDaemon();
      await Promise.all([a1, neighbour.host, a2].map((host) => host.addContainer(never)));
      await Promise.all([flanneld.follow(), neighbour.follow()]);
      await seesPeers(a2, 2);
      flows = new SteadyFlows(lab, [
        ['a1', 'a2'],
        ['a2', 'a1'],
        ['b1', 'a1'],
        ['a1', 'b1'],
      ]);
      first = { created: (await lease()).created, index: await deviceIndex() };
    });
    after(closeLabs);

    const lease = async () => {
      const found = await hand.get('subnets/10.42.11.0-24');
      assert.ok(found !== undefined);
      return found;
    };
    const deviceIndex = async (): Promise<string> =>
      (await a1.run(['ip', '-o', 'link', 'show', 'flannel.1'])).split(':')[0] ?? '';

    /** The lease is weftd's, with all that flanneld's said, and what it stood for is untouched. */
    async function isWeftds(): Promise<void> {
      const { value, created } = await lease();
      assert.ok(value.startsWith(`${flanneld.value.slice(0, -1)},"Weft":{"v":1,"node":"node-a1"`), value);
      assert.equal(created, first.created, 'the same owner has the same epoch');
      assert.equal(await deviceIndex(), first.index, 'the device was not made anew');
      assert.match(await a1.run(['ip', 'link', 'show', 'flannel.1']), new RegExp(` link/ether ${flanneld.mac} `));
    }

    for (const time of ['first', 'second'] as const) {
      it(`weftd takes over from flanneld a ${time} time: subnet, MAC, device and epoch stay`, async () => {
        flanneld.kill();
        a1.startDaemon();
        await seesPeers(a1, 2);
        await neighbour.follow();
        await isWeftds();
      });

      it(`flanneld takes over from weftd a ${time} time: it writes its own value at the same subnet, with the same MAC`, async () => {
        const mac = flanneld.mac;
        a1.daemon?.kill('SIGTERM');
        await a1.daemon?.ended;
        await flanneld.start('10.42.99.0/24');
        await neighbour.follow();
        assert.deepEqual([flanneld.subnet, flanneld.mac], ['10.42.11.0/24', mac]);
        const { value, created } = await lease();
        assert.equal(
          value,
          `{"PublicIP":"172.30.1.11","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"${mac}"}}`,
        );
        assert.equal(created, first.created);
      });
    }

    it('what is Weft’s alone goes by cleanup --hand-over, and what flanneld uses stays', async () => {
      const said = await a1.weftd(['cleanup', '--hand-over', '--subnet-file', a1.subnetFile]);
      assert.match(said, /^- unreachable 10\.42\.0\.0\/16$/m);
      const routes = await a1.run(['ip', 'route', 'show', 'root', NETWORK]);
      assert.deepEqual(routes.match(/^unreachable .*|.* metric .*/gm), null);
      assert.deepEqual(routes.match(/^10\.42\.\d+\.0\/24 via \S+ dev flannel\.1 onlink/gm)?.length, 2);
      const { index, mac } = { index: await deviceIndex(), mac: flanneld.mac };
      assert.equal(index, first.index);
      assert.match(
        await a1.run(['ip', 'address', 'show', 'flannel.1']),
        new RegExp(`${mac}[^]* inet 10\\.42\\.11\\.0/32`),
      );
      assert.match(await a1.run(['cat', a1.subnetFile]), /^FLANNEL_SUBNET=10\.42\.11\.1\/24$/m);
      await flows.more(100, never);
    });

    it('no ping was lost in all that, to whatever kind of neighbour', async () => {
      const { lostPings, losers } = await flows.stop();
      assert.equal(lostPings, 0, losers.join());
    });

    it('a host that was given the address of one that is gone gets the subnet under a new epoch', async () => {
      const gone = `{"PublicIP":"${b2.plan.address}","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"ae:00:00:00:00:50"}}`;
      // a2 drew its own by chance.
      const base = lab.host('a2').container.subnet === '10.42.50.0/24' ? '10.42.51.0' : '10.42.50.0';
      const key = `subnets/${base}-24`;
      await hand.create(key, gone);
      const before = await hand.get(key);
      b2.startDaemon();
      await b2.addContainer(never);
      await seesPeers(b2, 3);
      assert.equal(b2.container.subnet, `${base}/24`);
      const now = await hand.get(key);
      assert.ok((now?.created ?? 0) > (before?.created ?? Infinity));
      assert.doesNotMatch(now?.value ?? '', /ae:00:00:00:00:50/, 'the MAC was another machine’s');
      await Promise.all([flanneld.follow(), neighbour.follow()]);
      const hosts = ['a1', 'a2', 'b1', 'b2'].map((name) => lab.host(name));
      assert.deepEqual(
        (await reached(lab, hosts)).filter((pair) => pair.endsWith(' LOST')),
        [],
      );
    });

    it('garbage over the lease of a flanneld is told, and that host is reached all the same', async () => {
      const a2 = lab.host('a2');
      const running = new SteadyFlows(lab, [
        ['a2', 'b1'],
        ['b1', 'a2'],
      ]);
      await hand.put(neighbour.key, 'garbage');
      await a2.await(
        'tells of it, and holds on',
        ({ skipped, pass }) => (skipped.length === 1 && (pass?.held.length ?? 0) > 0 ? true : undefined),
        never,
      );
      await running.more(100, never);
      await neighbour.renew();
      await a2.await('reads it again', ({ skipped }) => (skipped.length === 0 ? true : undefined), never);
      await seesPeers(a2, 3);
      const { lostPings, losers } = await running.stop();
      assert.equal(lostPings, 0, losers.join());
    });
  });
});

const seesPeers = (host: LabHost, count: number): Promise<true> =>
  host.await(
    `sees ${count} peers`,
    ({ ready, peers }) =>
      ready && peers.filter(({ path, settled }) => path !== 'none' && settled).length === count ? true : undefined,
    never,
  );
