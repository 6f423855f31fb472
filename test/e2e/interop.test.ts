/**
 * The interop checklist (FLANNEL.md 9), a row a test: what a host must write and do in a cluster of real flanneld. On a real etcd: a1 runs weftd, a2 acts as flanneld
 * does, b1 is somebody who writes a lease of flannel's and takes what is sent to it, b2 comes late.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { linesOf } from '../../src/lab/kernel-state.ts';
import { readSysctl } from '../../src/lab/namespaces.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes } from './becomes.ts';
import { closeLabs, NETWORK, never, networkUrl, startLab } from './cluster.ts';
import { EtcdHand } from './etcd-hand.ts';
import { Flanneld } from './flanneld.ts';
import { sourceSeen } from './source-seen.ts';

const DAY_S = 86_400;
/** Host and network of FLANNEL.md 2.2, at the lab's addresses. */
const B1_MAC = 'ae:f2:1a:4a:99:66';
const B1 = `{"PublicIP":"172.30.2.11","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"${B1_MAC}"}}`;
/** What of a value is ours. */
const OURS = /,"Weft":\{.*\}(?=\}$)/;

enclosed(import.meta.url, () => {
  describe('the interop checklist', () => {
    let lab: Lab;
    let hand: EtcdHand;
    let a1: LabHost;
    let flanneld: Flanneld;

    before(async () => {
      lab = await startLab({ store: 'etcd', flags: ['--ip-masq'] });
      hand = new EtcdHand(lab);
      a1 = lab.host('a1');
      // In the range are three: one is flanneld's, in one lies a lease of another length.
      await hand.put(
        'config',
        `{"Network":"${NETWORK}","SubnetMin":"10.42.10.0","SubnetMax":"10.42.12.0","Backend":{"Type":"vxlan"}}`,
      );
      flanneld = new Flanneld(lab.host('a2'), hand, { network: NETWORK, type: 'vxlan' });
      await flanneld.start('10.42.10.0/24');
      await hand.put('subnets/10.42.11.64-26', '{"PublicIP":"172.30.9.77","PublicIPv6":null}', DAY_S);
      await hand.put('subnets/10.42.31.0-24', B1, DAY_S);
      a1.startDaemon();
      await a1.addContainer(never);
      await flanneld.host.addContainer(never);
      await flanneld.follow();
      await a1.await('has paths', ({ peers }) => (peers.length === 3 ? true : undefined), never);
    });
    after(closeLabs);

    const own = async () => {
      const found = await hand.get('subnets/10.42.12.0-24');
      assert.ok(found !== undefined);
      return found;
    };
    const device = async (): Promise<string> =>
      linesOf(await a1.run(['ip', '-o', '-d', 'link', 'show', 'flannel.1']))[0] ?? '';
    const ping = async (from: string, to: string): Promise<boolean> =>
      (await lab.pinger.ping(from, parseAddress(to), 3)).answered === 3;

    it('store 1: config and leases stand under flannel’s keys, all else outside `subnets`', async () => {
      assert.equal(hand.prefix, '/coreos.com/network');
      const keys = (await hand.list()).map(({ key }) => key);
      assert.deepEqual(
        keys.filter((key) => !key.startsWith('weft/')),
        ['config', 'subnets/10.42.10.0-24', 'subnets/10.42.11.64-26', 'subnets/10.42.12.0-24', 'subnets/10.42.31.0-24'],
      );
    });

    it('store 1: a lease of both families is a peer by its IPv4 subnet', async () => {
      const key = 'subnets/10.42.33.0-24&2001:cafe:42:6::-64';
      const v6 = `"BackendV6Data":{"VNI":1,"VtepMAC":"ae:f2:1a:4a:99:67"}}`;
      const value = B1.replace('2.11', '2.33')
        .replace(':66', ':33')
        .replace('null', '"fd00::1"')
        .replace(/\}$/, `,${v6}`);
      await hand.put(key, value, DAY_S);
      await becomes('it has a route', true, async () =>
        (await a1.run(['ip', 'route', 'show', '10.42.33.0/24'])).startsWith(
          '10.42.33.0/24 via 10.42.33.0 dev flannel.1',
        ),
      );
      await hand.delete(key);
    });

    it('store 2: the value is flannel’s to the byte, up to our member, which stands behind all of its own', async () => {
      const { value } = await own();
      const mac = /ether (\S+)/.exec(await device())?.[1];
      assert.equal(
        value.replace(OURS, ''),
        `{"PublicIP":"172.30.1.11","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"${mac}"}}`,
      );
      assert.deepEqual(Object.keys(JSON.parse(value) as JsonObject), [
        'PublicIP',
        'PublicIPv6',
        'BackendType',
        'BackendData',
        'Weft',
      ]);
    });

    it('store 3: our member does not keep flanneld from us, nor a stranger’s member us from flanneld, and a lost one comes back', async () => {
      assert.ok(await ping(flanneld.host.container.name, a1.container.address));
      const { value, created } = await own();
      await hand.put('subnets/10.42.12.0-24', value.replace(OURS, ''), DAY_S);
      await becomes('our member is back', true, async () => OURS.test((await own()).value));
      assert.equal((await own()).created, created);
      const more = B1.replace('"}}', '","Extra":[1]},"Other":{}}');
      await hand.put('subnets/10.42.31.0-24', more, DAY_S);
      assert.match(await a1.run(['ip', 'route', 'show', '10.42.31.0/24']), /via 10\.42\.31\.0 dev flannel\.1/);
    });

    it('store 4: BackendType counts in its own case alone', async () => {
      await hand.put('subnets/10.42.32.0-24', B1.replace('"vxlan"', '"VXLAN"').replace('2.11', '2.32'), DAY_S);
      const peer = await a1.await(
        'sees it',
        (status) => status.peers.find(({ subnet }) => subnet === '10.42.32.0/24'),
        never,
      );
      assert.equal(peer.path, 'none');
      await hand.delete('subnets/10.42.32.0-24');
    });

    it('store 5: a lease is for 24 hours, aligned, in [SubnetMin, SubnetMax], and overlaps no other', async () => {
      const { grantedSeconds, created, modified } = await own();
      assert.equal(grantedSeconds, DAY_S);
      assert.equal(a1.container.subnet, '10.42.12.0/24', 'the only one that is free');
      assert.ok(modified >= created);
    });

    it('store 5: a renewal is a put under a new etcd lease of 24 hours', async () => {
      const before = await own();
      await a1.killDaemon();
      a1.startDaemon();
      await becomes('it is written anew', true, async () => (await own()).modified > before.modified);
      const { created, grantedSeconds } = await own();
      assert.deepEqual([created, grantedSeconds], [before.created, DAY_S]);
    });

    it('store 5: when another hand deletes the own key, it is claimed again', async () => {
      const before = await own();
      await a1.await('follows the leases', ({ ready }) => (ready ? true : undefined), never);
      await hand.delete('subnets/10.42.12.0-24');
      await becomes(
        'it stands again',
        true,
        async () => ((await hand.get('subnets/10.42.12.0-24'))?.created ?? 0) > before.created,
      );
    });

    it('store 6, 7: who comes to a lease of its own PublicIP takes that subnet', async () => {
      const b2 = lab.host('b2');
      await hand.put('subnets/10.42.11.64-26', '{"PublicIP":"172.30.9.77","PublicIPv6":null}', 1);
      await becomes('it is over', undefined, () => hand.get('subnets/10.42.11.64-26'));
      await hand.create('subnets/10.42.11.0-24', B1.replace('172.30.2.11', b2.plan.address));
      b2.startDaemon();
      await b2.addContainer(never);
      assert.equal(b2.container.subnet, '10.42.11.0/24');
      await b2.await('is ready', ({ ready }) => (ready ? true : undefined), never);
      const leases = (await hand.list('subnets/')).filter(({ value }) => value.includes(`"${b2.plan.address}"`));
      assert.equal(leases.length, 1);
    });

    it('store 8, udp: a config with names in any case and without Backend is one of udp, whose leases name no type', async () => {
      const udp = await beside(lab.host('b1'), 'plain', '{ "network": "10.43.0.0/16" }');
      const [lease] = await udp.hand.list('subnets/');
      assert.match(lease?.key ?? '', /^subnets\/10\.43\.([1-9]|\d\d|1\d\d|2[0-4]\d|25[0-5])\.0-24$/);
      assert.equal(lease?.value.replace(OURS, ''), '{"PublicIP":"172.30.2.11","PublicIPv6":null}');
      await udp.end();
    });

    it('vxlan: the advertised MAC is the device’s, lower-case, locally administered and unicast', async () => {
      const { BackendData } = JSON.parse((await own()).value) as { BackendData: { VNI: number; VtepMAC: string } };
      assert.match(BackendData.VtepMAC, /^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
      assert.equal(BackendData.VNI, 1);
      assert.match(await device(), new RegExp(` link/ether ${BackendData.VtepMAC} `));
    });

    it('vxlan: port 8472, flags 0x08, VNI in 24 bits, and in it an Ethernet frame of IPv4 from MAC to MAC; nothing else crosses', async () => {
      const logFile = path.join(lab.folder, 'datagrams.txt');
      const program = fileURLToPath(new URL('datagrams.js', import.meta.url));
      lab.start({ name: 'datagrams', namespace: 'b1', command: [process.execPath, program, '8472'], logFile });
      const heard = (): string[] => readFileSync(logFile, 'utf8').trim().split('\n');
      await becomes('it listens', 'listening', () => heard()[0]);
      await lab.pinger.ping(a1.container.name, parseAddress('10.42.31.1'), 3);
      const mac = (/ether (\S+)/.exec(await device())?.[1] ?? '').replaceAll(':', '');
      // VXLAN 8 bytes (RFC 7348, section 5), the MAC of the receiver, then that of the sender: a1, or b2 that asks whether this peer lives.
      const frame = new RegExp(`^0800000000000100${B1_MAC.replaceAll(':', '')}([0-9a-f]{12})080045`);
      const senders = (): (string | undefined)[] =>
        heard()
          .slice(1)
          .map((datagram) => frame.exec(datagram)?.[1]);
      await becomes('they have come', true, () => senders().filter((sender) => sender === mac).length >= 3);
      assert.ok(!senders().includes(undefined), heard().join());
    });

    it('vxlan: neighbours are permanent, the next hop of a subnet is its base, on the device', async () => {
      const base = flanneld.subnet.replace('/24', '');
      assert.match(
        await a1.run(['ip', 'neighbour', 'show', base, 'dev', 'flannel.1']),
        new RegExp(`lladdr ${flanneld.mac} PERMANENT`),
      );
      assert.match(
        await a1.run(['bridge', 'fdb', 'show', 'dev', 'flannel.1']),
        new RegExp(`${flanneld.mac} dst ${flanneld.host.plan.address} self permanent`),
      );
      const route = await a1.run(['ip', 'route', 'show', flanneld.subnet]);
      assert.match(route, new RegExp(`^${flanneld.subnet} via ${base} dev flannel\\.1 .*onlink`, 'm'));
    });

    it('vxlan: the base is the address of the device, and what the host itself sends to containers comes from it', async () => {
      assert.match(await a1.run(['ip', '-4', '-o', 'address', 'show', 'dev', 'flannel.1']), / 10\.42\.12\.0\/32 /);
      const to = flanneld.host.container.address;
      assert.match(await a1.run(['ip', 'route', 'get', to]), / src 10\.42\.12\.0 /);
      assert.ok(await ping('a1', to));
      assert.ok(await ping(flanneld.host.container.name, '10.42.12.0'));
    });

    it('vxlan: MTU 1450 on a network of 1500, UDP checksums, no learning', async () => {
      const shown = await device();
      assert.match(shown, / mtu 1450 .* dstport 8472 .*nolearning /);
      assert.doesNotMatch(shown, / noudpcsum /);
    });

    it('vxlan: a peer on the same link that sends bare packets, as with DirectRouting, is heard', async () => {
      await flanneld.host.run(['ip', 'route', 'replace', a1.container.subnet, 'via', a1.plan.address]);
      assert.ok(await ping(flanneld.host.container.name, a1.container.address));
      await flanneld.follow();
    });

    it('host-gw: type and PublicIP are all that the lease says; the next hop of a subnet is the peer’s PublicIP; packets are forwarded', async () => {
      const gateway = await beside(a1, 'gateway', '{"Network":"10.44.0.0/16","Backend":{"Type":"host-gw"}}', {
        '10.44.9.0-24': '{"PublicIP":"172.30.1.12","PublicIPv6":null,"BackendType":"host-gw"}',
      });
      const lease = (await gateway.hand.list('subnets/')).find(({ value }) => value.includes('172.30.1.11'));
      assert.equal(
        lease?.value.replace(OURS, ''),
        '{"PublicIP":"172.30.1.11","PublicIPv6":null,"BackendType":"host-gw"}',
      );
      assert.match(await a1.run(['ip', 'route', 'show', '10.44.9.0/24']), /via 172\.30\.1\.12 dev eth0 /);
      assert.equal(readSysctl('a1', 'net.ipv4.ip_forward'), '1');
      assert.equal(readSysctl('a1', 'net.ipv4.conf.eth0.rp_filter'), '2');
      await gateway.end();
    });

    it('everybody: subnet.env is flannel’s, to the byte', () => {
      assert.equal(
        readFileSync(a1.subnetFile, 'utf8'),
        'FLANNEL_NETWORK=10.42.0.0/16\nFLANNEL_SUBNET=10.42.12.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
      );
    });

    it('everybody: with --ip-masq no address is translated between containers, and a host’s own becomes its base', async () => {
      const { container } = flanneld.host;
      assert.equal(await sourceSeen(lab, a1.container.name, a1.container.address, container), a1.container.address);
      assert.equal(await sourceSeen(lab, 'a1', a1.plan.address, container), '10.42.12.0');
    });

    it('store 5: another owner of the own key ends the daemon, and not with 0', async () => {
      await a1.await('follows the leases', ({ ready }) => (ready ? true : undefined), never);
      await hand.put('subnets/10.42.12.0-24', B1.replace('172.30.2.11', '172.30.9.78'), DAY_S);
      assert.equal(await a1.daemon?.ended, 'exit code 4');
    });

    /** A daemon of another network on that host, ready, that knows these leases. */
    async function beside(
      { plan }: LabHost,
      network: string,
      config: string,
      leases: Readonly<Record<string, string>> = {},
    ) {
      const store = networkUrl(lab, network);
      const its = new EtcdHand(lab, store);
      await its.put('config', config);
      for (const [key, value] of Object.entries(leases)) await its.put(`subnets/${key}`, value, DAY_S);
      const daemon = lab.addDaemon(plan, { folder: network, store, flags: ['--health-listen', 'off'] });
      daemon.startDaemon();
      const count = Object.keys(leases).length;
      await daemon.await('is ready', ({ ready, peers }) => (ready && peers.length === count ? true : undefined), never);
      const end = async (): Promise<void> => {
        await daemon.killDaemon();
        await daemon.weftd(['cleanup', '--all', '--subnet-file', daemon.subnetFile]);
      };
      return { hand: its, end };
    }
  });
});
