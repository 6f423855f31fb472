import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { COMMAND_NAMES } from '../../src/commands/command-name.ts';
import { eventually } from '../../src/lab/eventually.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const scratch = mkdtempSync(path.join(os.tmpdir(), 'weft-main-'));
after(() => rmSync(scratch, { recursive: true }));

const WITHOUT_RIGHTS = ['setpriv', '--bounding-set=-net_admin', '--'];

interface Ended {
  readonly out: string;
  readonly err: string;
  readonly exit: number | null;
}

/** The compiled program, as a process, with nothing in its environment but what is given. */
function weftd(args: readonly string[], env: Record<string, string> = {}, prefix: readonly string[] = []): Ended {
  const [program = '', ...words] = [...prefix, process.execPath, MAIN, ...args];
  const { stdout, stderr, status } = spawnSync(program, words, {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  return { out: stdout, err: stderr, exit: status };
}

describe('weftd as a process', () => {
  it('prints its version', () => {
    for (const args of [['version'], ['--version'], ['-version']]) {
      assert.deepEqual(
        weftd(args),
        { out: `weftd development (node ${process.version})\n`, err: '', exit: 0 },
        args.join(' '),
      );
    }
  });

  it('prints help with every command, with 0', () => {
    const { out, exit } = weftd(['--help']);
    assert.equal(exit, 0);
    for (const name of COMMAND_NAMES) assert.match(out, new RegExp(`^  ${name.split(' ')[0]} `, 'm'), name);
  });

  it('prints help with an example for every command', () => {
    for (const name of COMMAND_NAMES.filter((one) => one !== 'lab')) {
      const { out, exit } = weftd([...name.split(' '), '--help']);
      assert.equal(exit, 0, name);
      assert.match(out, new RegExp(`Example:\\n(?:.*\\n)*.*weftd ${name}`), name);
    }
  });

  it('ends with 2 and one message on a bad option', () => {
    assert.deepEqual(weftd(['run', '--store', 'dynamodb://weft', '--public-ip=300.1.1.1']), {
      out: '',
      err: 'weftd: BAD_OPTION: --public-ip "300.1.1.1": expected an IPv4 address like 192.0.2.7\n',
      exit: 2,
    });
  });

  it('ends with 2 on a word that is no command', () => {
    assert.deepEqual(weftd(['statsu']), {
      out: '',
      err: "weftd: BAD_OPTION: weftd statsu: unknown command 'statsu'\n  Did you mean status?\n",
      exit: 2,
    });
  });

  it('is weftd run when no command is named, on the etcd of this machine when no store is', () => {
    // Without the right to program the kernel the daemon ends before it does anything.
    const isRoot = process.getuid?.() === 0;
    const { err, exit } = weftd([], {}, isRoot ? WITHOUT_RIGHTS : []);
    assert.deepEqual([exit, err.startsWith('weftd: NOT_PERMITTED: ')], [5, true], err);
  });

  it('shows no password to whoever lists processes', async (context) => {
    for (const words of [
      ['--etcd-password', 'hunter2', '-etcd-password=hunter2'],
      ['--store', 'etcd://h/net?username=u&pass=hunter2', '-store=etcd://u:hunter2@h#hunter2'],
    ]) {
      // It waits for its input, with everything read.
      const child = spawn(process.execPath, [MAIN, 'config', 'check', '-f', '-', ...words]);
      context.after(() => child.kill());
      const commandLine = async () => {
        const text = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8');
        return text.startsWith('weftd ') ? { found: text } : { missing: text };
      };
      const { signal } = new AbortController();
      assert.doesNotMatch(await eventually('its command line is its own', 60_000, commandLine, signal), /hunter2/);
      child.stdin.end('{}');
      await once(child, 'exit');
    }
  });

  it('names the stores there are when another one is asked for', () => {
    const { err, exit } = weftd(['run', '--store', 'consul://127.0.0.1:8500', '--state-dir', scratch]);
    assert.equal(exit, process.getuid?.() === 0 ? 2 : 5);
    if (exit === 2)
      assert.equal(
        err.split('\n').find((line) => line.startsWith('weftd: ')),
        'weftd: BAD_OPTION: --store "consul://127.0.0.1:8500": this version has no store "consul"',
      );
  });

  it('refuses a cloud that it does not carry', () => {
    assert.match(
      weftd(['plan', '--store', 'dynamodb://weft', '--cloud', 'gce']).err,
      /^weftd: UNSUPPORTED: --cloud gce is not carried by this version$/m,
    );
  });

  it(
    'ends with 5 when it may not program the kernel',
    { skip: process.getuid?.() === 0 ? false : 'not root: nobody to take the right from' },
    () => {
      const { err, exit } = weftd(['run', '--store', 'dynamodb://weft', '--state-dir', scratch], {}, WITHOUT_RIGHTS);
      assert.equal(exit, 5);
      assert.match(err, /^weftd: NOT_PERMITTED: .*CAP_NET_ADMIN\)\n {2}Run it as root/m);
    },
  );

  it('ends with 1 when no daemon runs, and tells programs in JSON', () => {
    const { err, out, exit } = weftd(['status', '--json', '--state-dir', path.join(scratch, 'none')]);
    assert.deepEqual([exit, out], [1, '']);
    assert.equal((JSON.parse(err) as { error: { code: string } }).error.code, 'NO_DAEMON');
  });

  it('takes its options from variables', () => {
    const { err } = weftd(['status'], { FLANNELD_STATE_DIR: path.join(scratch, 'none') });
    assert.match(err, new RegExp(`NO_DAEMON: no weftd has run with its state in ${scratch}/none`));
  });

  it('reads the config that it checks from a pipe, and ends with 2 when it is wrong', () => {
    const { stdout, status } = spawnSync(process.execPath, [MAIN, 'config', 'check', '-f', '-'], {
      input: '{"Network":"x"}',
      encoding: 'utf8',
    });
    assert.equal(status, 2);
    assert.match(stdout, /^error {4}Network: invalid CIDR address: x \(CONFIG_INVALID\)$/m);
  });
});
