import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { addContainer, readSubnetFile } from '../../src/lab/container.ts';
import { ip, readSysctl, runIn } from '../../src/lab/namespaces.ts';
import { Pinger } from '../../src/lab/pinger.ts';
import { run } from '../../src/lab/program.ts';
import { twoSegments } from '../../src/lab/two-segments.ts';
import { buildWorld, setCable } from '../../src/lab/world.ts';
import { enclosed } from './enclosed.ts';

const HELD = '/run/held-pinger.pid';
const LOOP = new URL('../../src/lab/pinger-loop.js', import.meta.url).href;
const CODE = `import { pingUntilStdinEnds } from ${JSON.stringify(LOOP)}; pingUntilStdinEnds();`;

enclosed(import.meta.url, () => {
  describe('a world of two segments', () => {
    const never = new AbortController().signal;
    const [a1, a2, b1] = twoSegments.hosts;
    if (a1 === undefined || a2 === undefined || b1 === undefined) throw new Error('the topology has changed');
    let pinger: Pinger;
    /** Its process number is known. */
    let held: Pinger;

    before(async () => {
      pinger = new Pinger([process.execPath, '--input-type=module', '-e', CODE]);
      const words = [process.execPath, '--input-type=module', '-e', CODE];
      held = new Pinger(['sh', '-c', `echo $$ > ${HELD}; exec "$@"`, 'sh', ...words]);
      await buildWorld(twoSegments, never);
    });
    after(() => {
      pinger.close();
      held.close();
    });

    it('reaches no network of this machine', async () => {
      const links = await run('ip', ['-o', 'link', 'show']);
      assert.deepEqual(
        links
          .trim()
          .split('\n')
          .map((line) => line.split(':')[1]?.trim()),
        ['lo'],
      );
    });

    it('lets every machine reach every other at once, in its segment and through the router', async () => {
      const machines = [...twoSegments.hosts, twoSegments.store];
      const pairs = machines.flatMap((from) => machines.filter((to) => to !== from).map((to) => ({ from, to })));
      const lost = await Promise.all(
        pairs.map(async ({ from, to }) =>
          (await pinger.ping(from.name, to.address, 3)).lost > 0 ? `${from.name}>${to.name}` : [],
        ),
      );
      assert.deepEqual(lost.flat(), []);
    });

    it('forwards on the router alone: on hosts that is the daemon’s to switch on', () => {
      assert.equal(readSysctl('router', 'net.ipv4.ip_forward'), '1');
      assert.equal(readSysctl('a1', 'net.ipv4.ip_forward'), '0');
    });

    it('counts each ping that a pulled cable costs, and sees it come back', async () => {
      const flow = pinger.start({ from: 'b1', to: a1.address, intervalMs: 2 });
      await sends(flow, 50);
      await setCable(twoSegments, a1, 'down');
      await sends(flow, 100);
      await setCable(twoSegments, a1, 'up');
      const { answered } = await flow.look();
      while ((await flow.look()).answered < answered + 50);
      const count = await flow.stop();
      assert.ok(count.lost >= 100, `${count.lost} lost`);
      assert.ok(count.outageMs > 0, `${count.outageMs} ms`);
      assert.equal(count.sent, count.answered + count.lost);
    });

    it('does not take for lost what was answered while the pinger itself got no time', async () => {
      const flow = held.start({ from: 'a2', to: b1.address, intervalMs: 2 });
      await sends(flow, 50);
      const pid = Number(readFileSync(HELD, 'utf8'));
      process.kill(pid, 'SIGSTOP');
      // For longer than an answer may take, and until more is due than a socket holds answers.
      await pinger.ping('a1', a2.address, 320, 5);
      process.kill(pid, 'SIGCONT');
      await sends(flow, 1000);
      const { sent, lost } = await flow.stop();
      assert.ok(sent >= 1050, `${sent} sent`);
      assert.equal(lost, 0);
    });

    it('loses nothing while a flow runs and nothing happens', async () => {
      const { sent, lost } = await pinger.ping('a2', b1.address, 200, 2);
      assert.deepEqual({ sent, lost }, { sent: 200, lost: 0 });
    });

    it('counts pings without a route as sent and lost', async () => {
      await ip(['route delete default'], 'a2');
      const { sent, lost } = await pinger.ping('a2', b1.address, 3);
      assert.deepEqual({ sent, lost }, { sent: 3, lost: 3 });
    });

    it('makes containers from what subnet.env says', async () => {
      mkdirSync('/run/files');
      assert.equal(readSubnetFile('/run/files/subnet.env'), undefined);
      writeFileSync(
        '/run/files/subnet.env',
        'FLANNEL_NETWORK=10.42.0.0/16\nFLANNEL_SUBNET=10.42.7.1/24\nFLANNEL_MTU=1400\nFLANNEL_IPMASQ=false\n',
      );
      const file = readSubnetFile('/run/files/subnet.env');
      assert.ok(file);
      const first = await addContainer('a1', file, 1, never);
      const second = await addContainer('a1', file, 2, never);
      assert.deepEqual([first.address, second.address], ['10.42.7.2', '10.42.7.3']);
      assert.equal((await pinger.ping(first.name, second.address, 3)).lost, 0);
      assert.match(await runIn(first.name, ['ip', 'link', 'show', 'eth0']), /mtu 1400/);
      assert.match(await runIn('a1', ['ip', 'address', 'show', 'cni0']), /inet 10\.42\.7\.1\/24/);
    });

    it('names the command of a batch that the kernel refused', async () => {
      await assert.rejects(
        ip(['link set lo up', 'link set nothing up'], 'a1'),
        /"ip link set nothing up" in a1 failed/,
      );
    });
  });
});

async function sends(flow: ReturnType<Pinger['start']>, more: number): Promise<void> {
  const { sent } = await flow.look();
  while ((await flow.look()).sent < sent + more);
}
