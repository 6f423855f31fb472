/** weftd with Backend udp beside a host that is flanneld's with its udp backend: its lease, its kernel state, its way with packets. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseSubnet } from '../../src/core/subnet.ts';
import { addContainer } from '../../src/lab/container.ts';
import { eventually } from '../../src/lab/eventually.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { tail } from '../../src/lab/lab-process.ts';
import { tryIn, writeSysctl } from '../../src/lab/namespaces.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { NO_TUN } from '../lab/tun-access.ts';
import { anotherHand } from './another-hand.ts';
import { becomes } from './becomes.ts';
import { closeLabs, DRAWN, never, NETWORK, startLab } from './cluster.ts';
import { onEachStore } from './on-each-store.ts';
import { Stream } from './streams.ts';

const PROGRAM = fileURLToPath(new URL('../host/flannel-udp-program.js', import.meta.url));
const SUBNET = parseSubnet('10.42.250.0/24');
const BASE = '10.42.250.0';

onEachStore(import.meta.url, (store) => {
  describe('a plain flanneld with udp beside weftd', { skip: NO_TUN }, () => {
    let lab: Lab;
    let ours: LabHost;
    let theirs: LabHost;
    let ourBase: string;

    before(async () => {
      lab = await startLab({ store });
      await lab.writeConfig({ ...DRAWN, Backend: { Type: 'udp' } });
      [ours, theirs] = [lab.host('a1'), lab.host('b1')];
      await startHosts([ours], [ours], never);
      ourBase = (await ours.status())?.address ?? '';
      await anotherHand(ours, { deed: 'give plain lease', subnet: SUBNET, publicIP: theirs.plan.address });
      writeSysctl(theirs.name, 'net.ipv4.ip_forward', '1');
      const words = [theirs.plan.address, '8285', BASE, NETWORK, `${ours.container.subnet}=${ours.plan.address}`];
      const flanneld = lab.start({
        name: 'flanneld',
        namespace: theirs.name,
        command: [process.execPath, PROGRAM, ...words],
        logFile: `${lab.folder}/flanneld.log`,
      });
      await eventually(
        'it runs',
        60_000,
        () => (tail(flanneld, 1)[0] === 'ready' ? { found: true } : { missing: tail(flanneld, 3).join('\n') }),
        never,
      );
      const network = { network: parseSubnet(NETWORK), subnet: SUBNET, mtuBytes: 1472, ipMasq: false };
      theirs.containers.push(await addContainer(theirs.name, network, 1, never));
      await ours.await(
        'reaches it by udp',
        ({ peers }) =>
          peers.some(({ path, node, subnet }) => path === 'udp' && node === null && subnet === SUBNET)
            ? true
            : undefined,
        never,
      );
    });
    after(closeLabs);

    /** Each here is answered, or refused at once: only a stall makes it wait. */
    const ping = async (from: string, to: string, ...words: readonly string[]): Promise<string> =>
      (await tryIn(from, ['ping', '-c', '1', '-W', '20', ...words, to])).stdout;

    it('has its device, and leases as flanneld does: by its address alone', async () => {
      assert.match(
        await ours.run(['ip', '-o', '-d', 'link', 'show', 'flannel0']),
        /mtu 1472 .*tun type tun .*persist on/,
      );
      assert.match(await ours.run(['ip', '-o', 'address', 'show', 'flannel0']), new RegExp(`inet ${ourBase}/32`));
      const leases = await ours.weftd(['lease', 'show', ours.container.subnet]);
      assert.match(leases, /^flannel +no BackendType: udp$/m);
    });

    it('reaches it from container to container, both ways, and the TTL falls by two on the way between the hosts', async () => {
      const [here, there] = [ours.container, theirs.container];
      // Their host, their tunnel, our tunnel, our host.
      assert.match(await ping(here.name, there.address), /ttl=60 /);
      assert.match(await ping(there.name, here.address), /ttl=60 /);
      assert.match(await ping(ours.name, BASE), /ttl=62 /);
      assert.match(await ping(theirs.name, ourBase), /ttl=62 /);
    });

    it('carries TCP streams both ways without a byte amiss', async () => {
      const streams = [
        await Stream.open(ours.container.name, theirs, 7001),
        await Stream.open(theirs.container.name, ours, 7002),
        await Stream.open(theirs.name, ours, 7003),
      ];
      for (const each of streams) await each.goesOn();
      for (const each of streams) await each.whole();
    });

    it('answers, as the hop that it is, to packets whose TTL is used up', async () => {
      const [here, there] = [ours.container, theirs.container];
      const hop = async (from: string, to: string, ttl: number): Promise<string | undefined> =>
        /From ([\d.]+) .*Time to live exceeded/.exec(await ping(from, to, '-t', String(ttl)))?.[1];
      // A container's first hop is its own host, the second its host's end of the tunnel.
      assert.equal(await hop(here.name, there.address, 2), ourBase);
      // From the other side flanneld's end takes one without a word, and ours is the third.
      assert.equal(await hop(there.name, here.address, 3), ourBase);
      assert.match(await ping(there.name, here.address, '-t', '5'), /1 received/);
    });

    it('tells a container at once of an address that no host has', async () => {
      assert.match(await ping(ours.container.name, '10.42.251.9'), /Destination (Host|Net) Unreachable/);
    });

    it('fills the path to its MTU', async () => {
      assert.match(await ping(ours.container.name, theirs.container.address, '-M', 'do', '-s', '1444'), /1 received/);
      assert.match(await ping(theirs.container.name, ours.container.address, '-M', 'do', '-s', '1444'), /1 received/);
      assert.match(await ping(ours.container.name, theirs.container.address, '-s', '20000'), /1 received/);
    });

    it('forgets it when its lease is gone', async () => {
      await anotherHand(ours, { deed: 'take lease', subnet: SUBNET });
      await ours.await('has no peer', ({ peers }) => (peers.length === 0 ? true : undefined), never);
      await becomes('no route leads into the tunnel', false, async () =>
        /dev flannel0/.test(await ours.run(['ip', 'route', 'show', 'proto', '87'])),
      );
    });
  });
});
