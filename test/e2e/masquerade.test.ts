import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { runIn, tryIn } from '../../src/lab/namespaces.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes } from './becomes.ts';
import { A1_A2_B1, closeLabs, CONFIG, NETWORK, never, reached, startLab } from './cluster.ts';
import { whilePaused } from './paused.ts';

/** For the lock that all users of iptables share, the daemons of all hosts here among them: without it the program fails when it meets another. */
const WAITS = '-w';
/** Gateway of segment A, in the world outside. */
const OUTSIDE = { namespace: 'router', address: '172.30.1.1' };
/** Writes down who sends to whom. */
const SEEN = `table ip test {
  set seen { type ipv4_addr . ipv4_addr; flags dynamic; size 1000; }
  chain in {
    type filter hook prerouting priority -300;
    icmp type echo-request add @seen { ip saddr . ip daddr }
  }
}`;
/** Of another hand, and like ours. */
const FOREIGN = `table ip weft_masq_of_another {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr 10.60.0.0/16 masquerade comment "weft masq"
  }
}`;

enclosed(import.meta.url, () => {
  describe('a daemon with --ip-masq', () => {
    let lab: Lab;
    let a1: LabHost;
    let b1: LabHost;
    /** Name of a1's table, and what the packet filter shows of it, handles and all. */
    let table = '';
    let rules = '';

    before(async () => {
      lab = await startLab({ flags: ['--ip-masq', '--iptables-resync', '1', '--resync', '1h'] });
      await lab.writeConfig(CONFIG);
      const hosts = ['a1', 'a2', 'b1'].map((name) => lab.host(name));
      [a1, b1] = [lab.host('a1'), lab.host('b1')];
      await a1.run(['nft', FOREIGN]);
      await startHosts(hosts, hosts, never);
      table = /table (ip weft_masq_[0-9a-f]{8})\n/.exec(await a1.run(['nft', 'list', 'tables']))?.[1] ?? '';
      assert.notEqual(table, '');
      rules = await masquerade(a1);
      await runIn(OUTSIDE.namespace, ['nft', SEEN]);
      for (const { container } of hosts) await runIn(container.name, ['nft', SEEN]);
    });
    after(closeLabs);

    it('says so in subnet.env', () => {
      assert.match(readFileSync(a1.subnetFile, 'utf8'), /^FLANNEL_IPMASQ=true$/m);
    });

    it('gives what leaves the Network the host’s address; containers and hosts see each other’s own', async () => {
      assert.deepEqual(await reached(lab), A1_A2_B1);
      assert.deepEqual(await senders(), await asWanted());
    });

    it('leaves what is right as it is when it starts again', async () => {
      await a1.killDaemon();
      assert.equal(await masquerade(a1), rules, 'they stand while it does not run');
      a1.startDaemon();
      await a1.await('is ready', ({ ready }) => (ready ? true : undefined), never);
      assert.equal(await masquerade(a1), rules);
    });

    it('“nft flush ruleset”, and a firewall that drops: all of ours is back by one pass', async () => {
      const passes = repairsOf(a1);
      await whilePaused(a1, async () => {
        await a1.run(['nft', 'flush', 'ruleset']);
        await a1.run(['iptables-nft', WAITS, '-P', 'FORWARD', 'DROP']);
      });
      await becomes('the rules stand', [true, 2], async () => [
        withoutHandles(await masquerade(a1)) === withoutHandles(rules),
        await accepts('iptables-nft'),
      ]);
      await becomes('the log tells of the repair', 1, () => repairsOf(a1) - passes);
      assert.deepEqual(await senders(), await asWanted());
      assert.deepEqual(await reached(lab), A1_A2_B1);
    });

    it('“nft flush ruleset”: the rules are back by themselves', async () => {
      await a1.run(['nft', 'flush', 'ruleset']);
      await becomes('the rules stand', withoutHandles(rules), async () => withoutHandles(await masquerade(a1)));
      assert.deepEqual(await senders(), await asWanted());
    });

    it('looks by the clock where the kernel tells of no change (iptables-legacy)', async (t) => {
      const names = await a1.tryProgram(['cat', '/proc/net/ip_tables_names']);
      if (names.code !== 0) return t.skip('the kernel does not show its old tables to this user');
      await a1.run(['iptables-legacy', WAITS, '-P', 'FORWARD', 'DROP']);
      a1.daemon?.kill('SIGHUP');
      await becomes('accepted', 2, () => accepts('iptables-legacy'));
      await a1.run(['iptables-legacy', WAITS, '-F', 'FORWARD']);
      await becomes('accepted again', 2, () => accepts('iptables-legacy'));
      assert.deepEqual(await reached(lab), A1_A2_B1);
    });

    it('is told by plan what it would set', async () => {
      const plan = await a1.weftd([
        'plan',
        '--iface',
        'eth0',
        '--node-id',
        a1.plan.node,
        '--subnet-file',
        a1.subnetFile,
      ]);
      assert.match(plan, new RegExp(`^- masquerade ${NETWORK} own ${a1.container.subnet} fully-random`, 'm'));
    });

    it('takes its rules with it when it is drained, and when it is cleaned up after; nothing of others', async () => {
      await a1.run(['nft', FOREIGN]);
      await a1.removeContainers();
      await a1.weftd(['drain']);
      assert.equal(await a1.daemon?.ended, 'exit code 0');
      assert.deepEqual(await tables(a1), ['ip weft_masq_of_another']);
      assert.equal(await accepts('iptables-legacy').catch(() => 0), 0);

      await b1.run(['nft', FOREIGN]);
      b1.daemon?.kill('SIGTERM');
      await b1.daemon?.ended;
      assert.deepEqual(await tables(b1), [table, 'ip weft_masq_of_another']);
      const said = await b1.weftd(['cleanup', '--subnet-file', b1.subnetFile]);
      assert.match(said, new RegExp(`^- masquerade ${NETWORK} own `, 'm'));
      assert.deepEqual(await tables(b1), ['ip weft_masq_of_another']);
    });

    const masquerade = async (host: LabHost): Promise<string> =>
      (await host.tryProgram(['nft', '-a', 'list', 'table', ...table.split(' ')])).stdout;

    const tables = async (host: LabHost): Promise<readonly string[]> =>
      [...(await host.run(['nft', 'list', 'tables'])).matchAll(/table (ip weft_masq_\S+)/g)]
        .map(([, name = '']) => name)
        .toSorted();

    const accepts = async (program: string): Promise<number> =>
      (await a1.run([program, WAITS, '-S', 'FORWARD'])).split('\n').filter((rule) => rule.includes(NETWORK)).length;

    async function senders(): Promise<readonly string[]> {
      const from = a1.container.name;
      const [near, far] = [lab.host('a2').container, b1.container];
      return [
        await sender(from, OUTSIDE.address, OUTSIDE.namespace),
        await sender(from, near.address, near.name),
        await sender(from, far.address, far.name),
        await sender(a1.name, far.address, far.name),
      ];
    }

    async function asWanted(): Promise<readonly string[]> {
      const { address } = a1.container;
      return [a1.plan.address, address, address, (await a1.status())?.address ?? ''];
    }
  });
});

/** Whom the receiver takes for the sender of a ping. */
async function sender(from: string, to: string, at: string): Promise<string> {
  await runIn(at, ['nft', 'flush', 'set', 'ip', 'test', 'seen']);
  await tryIn(from, ['ping', '-c', '1', '-W', '20', to]);
  const seen = await runIn(at, ['nft', 'list', 'set', 'ip', 'test', 'seen']);
  const pairs = [...seen.matchAll(/([0-9.]+) \. ([0-9.]+)/g)].filter(([, , destination]) => destination === to);
  return pairs.map(([, source = '']) => source).join(' and ');
}

const withoutHandles = (text: string): string => text.replaceAll(/ # handle \d+/g, '');

/** How many passes had something to repair, by the daemon's own log. */
const repairsOf = (host: LabHost): number => readFileSync(host.logFile, 'utf8').split('"host put right"').length - 1;
