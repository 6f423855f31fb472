/** weftd started as flanneld is, on a host with an etcd of its own: nothing is said but what flanneld would be told. */
import assert from 'node:assert/strict';
import { closeSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../src/lab/eventually.ts';
import { LAB_FOLDER } from '../../src/lab/inside.ts';
import { startProcess, type LabProcess } from '../../src/lab/lab-process.ts';
import { listens, tryIn } from '../../src/lab/namespaces.ts';
import type { ProgramResult } from '../../src/lab/program.ts';
import { checked, libc } from '../../src/native/libc.ts';
import { AF_UNIX, SOCK_DGRAM, unixAddress } from '../../src/native/unix-datagram.ts';
import { whyNoEtcd } from '../etcd/etcd-server.ts';
import { bundle, enclosed } from '../lab/enclosed.ts';
import { closeLabs, never, startLab } from './cluster.ts';

const FOLDER = path.join(LAB_FOLDER, 'as-flanneld');
const STATE = path.join(FOLDER, 'state');
const SUBNET_FILE = path.join(FOLDER, 'run/flannel/subnet.env');
const NOTIFY = path.join(FOLDER, 'notify');
const MSG_DONTWAIT = 0x40;
const IPMASQ = /^FLANNEL_IPMASQ=true$/m;

const weftd = (args: readonly string[], input = ''): Promise<ProgramResult> =>
  tryIn('a1', [process.execPath, bundle(), ...args], { input });

/** Status and body, by Node in the host's namespace. */
async function ask(port: number, where: string): Promise<string> {
  const program = `fetch('http://127.0.0.1:${port}${where}').then(async (r) => console.log(r.status, await r.text()), () => console.log('nobody'))`;
  const { stdout, stderr } = await tryIn('a1', [process.execPath, '-e', program]);
  return (stdout + stderr).trim();
}

enclosed(import.meta.url, () => {
  describe('weftd in the place of flanneld', { skip: whyNoEtcd() ?? false }, () => {
    let etcd: LabProcess;
    let daemon: LabProcess;
    let notify: number;
    const told: string[] = [];
    /** A service manager reads all the time; what a full socket does not take is lost (unix(7), max_dgram_qlen: ten). */
    let hearing: NodeJS.Timeout;

    /** What the service manager has heard by now. */
    function hear(): string {
      const bytes = Buffer.alloc(4096);
      for (;;) {
        const length = Number(libc().recv(notify, bytes, bytes.length, MSG_DONTWAIT));
        if (length < 0) return told.join('');
        told.push(bytes.toString('utf8', 0, length));
      }
    }
    const becomes = <T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> =>
      eventually(
        what,
        60_000,
        async () => {
          const found = await look();
          const log = existsSync(daemon.logFile) ? readFileSync(daemon.logFile, 'utf8') : 'no log';
          return found === undefined ? { missing: `${hear()}\n${log}` } : { found };
        },
        never,
      );
    const start = (name: string, flags: readonly string[], environment: Record<string, string> = {}): LabProcess =>
      startProcess({
        name,
        namespace: 'a1',
        command: [process.execPath, bundle(), ...flags, `--state-dir=${STATE}`],
        environment,
        logFile: path.join(FOLDER, `${name}.log`),
      });

    before(async () => {
      await startLab();
      mkdirSync(FOLDER, { recursive: true });
      const address = unixAddress(NOTIFY);
      assert.ok(address !== undefined);
      notify = checked('socket', libc().socket(AF_UNIX, SOCK_DGRAM, 0));
      checked('bind', libc().bind(notify, address, address.length));
      hearing = setInterval(hear, 50);
      etcd = startProcess({
        name: 'etcd',
        namespace: 'a1',
        command: ['etcd', '--data-dir', path.join(FOLDER, 'etcd')],
        logFile: path.join(FOLDER, 'etcd.log'),
      });
      const flags = [
        '-iface=eth0',
        '-ip-masq',
        '-healthz-port=8081',
        `-subnet-file=${SUBNET_FILE}`,
        '-logtostderr',
        '-v=1',
      ];
      daemon = start('daemon', flags, { NOTIFY_SOCKET: NOTIFY, WATCHDOG_USEC: '400000' });
    });
    after(async () => {
      daemon.kill('SIGKILL');
      etcd.kill('SIGKILL');
      await Promise.all([daemon.ended, etcd.ended]);
      clearInterval(hearing);
      closeSync(notify);
      await closeLabs();
    });

    it('answers that it runs, and is not ready, before there is a config', async () => {
      await becomes('the port is open', () => (listens('a1', 8081) ? true : undefined));
      assert.equal(await ask(8081, '/healthz'), '200 flanneld is running');
      assert.equal(await ask(8081, '/readyz'), '503 flanneld is not ready yet');
      for (const where of ['/status', '/metrics']) assert.match(await ask(8081, where), /^404 /);
      await becomes('it says what it waits for', () => (/^STATUS=not ready: /m.test(hear()) ? true : undefined));
      assert.doesNotMatch(hear(), /READY=1/);
    });

    it('finds the config at the key of flannel in the local etcd, by no word of its own', async () => {
      await becomes('etcd serves', () => (listens('a1', 2379) ? true : undefined));
      const { code, stderr } = await weftd(
        ['config', 'set', '-f', '-'],
        '{"Network":"10.42.0.0/16","Backend":{"Type":"vxlan"}}',
      );
      assert.equal(code, 0, stderr);
      const keys = await tryIn('a1', [
        'env',
        'ETCDCTL_API=3',
        'etcdctl',
        'get',
        '--prefix',
        '--keys-only',
        '/coreos.com/',
      ]);
      assert.match(keys.stdout, /^\/coreos\.com\/network\/config$/m);
      const file = await becomes('subnet.env', () =>
        existsSync(SUBNET_FILE) ? readFileSync(SUBNET_FILE, 'utf8') : undefined,
      );
      assert.match(file, IPMASQ);
    });

    it('tells systemd that it is ready once, with subnet.env there, and how it fares', async () => {
      await becomes('READY', () => (/^READY=1$/m.test(hear()) ? true : undefined));
      assert.ok(existsSync(SUBNET_FILE));
      assert.match(hear(), /^STATUS=ready: 10\.42\.[0-9]+\.0\/24, 0 peers/m);
      assert.equal(await ask(8081, '/readyz'), '200 flanneld is ready');
    });

    it('gives signs of life, for as long as it is not held up', async () => {
      const count = (): number => hear().match(/^WATCHDOG=1$/gm)?.length ?? 0;
      const before = count();
      await becomes('three more', () => (count() >= before + 3 ? true : undefined));
      assert.equal(hear().match(/^READY=1$/gm)?.length, 1);
    });

    it('is found by commands that name no store', async () => {
      const { stdout, stderr } = await weftd(['status', `--state-dir=${STATE}`]);
      assert.match(stdout, /^subnet +10\.42\./m, stderr);
      assert.match((await weftd(['lease', 'list'])).stdout, /10\.42\.[0-9]+\.0\/24/);
    });

    it('does not start where its port is taken', async () => {
      const folder = path.join(FOLDER, 'other');
      const other = start('other', ['-healthz-port=8081', '-etcd-prefix=/other', `--state-dir=${folder}`]);
      assert.equal(await other.ended, 'exit code 1');
      const log = readFileSync(other.logFile, 'utf8');
      assert.match(log, /^weftd: CANNOT_LISTEN: cannot listen on 0\.0\.0\.0:8081: .*EADDRINUSE/m);
      assert.match(log, /^ {2}Choose another --healthz-port/m);
    });

    it('says that it ends, and ends with 0 when it is told to', async () => {
      daemon.kill('SIGTERM');
      assert.equal(await daemon.ended, 'exit code 0');
      assert.match(hear(), /^STOPPING=1$/m);
    });

    it('keeps subnet and device when its endpoints are written in another way', async () => {
      const device = async (): Promise<string> =>
        (await tryIn('a1', ['ip', '-br', 'link', 'show', 'flannel.1'])).stdout;
      const was = [readFileSync(SUBNET_FILE, 'utf8'), await device()];
      const flags = ['-iface=eth0', '-ip-masq', `-subnet-file=${SUBNET_FILE}`, '-healthz-port=8081'];
      daemon = start('again', [...flags, '-etcd-endpoints=http://127.0.0.1:2379']);
      await becomes('it is ready', async () => ((await ask(8081, '/readyz')).startsWith('200') ? true : undefined));
      assert.deepEqual([readFileSync(SUBNET_FILE, 'utf8'), await device()], was);
      daemon.kill('SIGTERM');
      await daemon.ended;
      const words = ['cleanup', `--state-dir=${STATE}`, `--subnet-file=${SUBNET_FILE}`];
      const { code, stdout, stderr } = await weftd([...words, '-etcd-endpoints=http://127.0.0.1:2379']);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^- .*flannel\.1/m);
      assert.equal(await device(), '');
    });
  });
});
