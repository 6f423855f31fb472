import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { runShell } from '../../src/host/shell-command.ts';

const never = new AbortController().signal;

let folder: string;
before(() => (folder = mkdtempSync(join(tmpdir(), 'weft-shell-'))));
after(() => rmSync(folder, { recursive: true, force: true }));

describe('a command of the config', () => {
  const run = (text: string, signal = never, limitMs?: number): Promise<string> =>
    runShell({ name: 'Command', text, environment: { SUBNET: '10.42.3.0/24' }, input: 'line' }, signal, limitMs);

  it('gets data by environment and standard input, and says what it wrote to both outputs, trimmed', async () => {
    assert.equal(
      await run('read X; echo " $X"; echo "$SUBNET" >&2; test -n "$PATH" && echo path'),
      'line\n10.42.3.0/24\npath',
    );
  });

  it('reads nothing of its data as shell', async () => {
    const evil = '$(touch ../evil); `id` "\'';
    const input = { name: 'C', text: 'read -r X; echo "$X $V"', environment: { V: evil }, input: evil };
    assert.equal(await runShell(input, never), `${evil} ${evil}`);
  });

  it('that fails says its own words and how it ended', async () => {
    await assert.rejects(run('echo one; echo two >&2; exit 3'), {
      code: 'EXTENSION_FAILED',
      message: 'Command ended with 3: one; two',
    });
  });

  it('that reads nothing, or writes without end, ends all the same', async () => {
    assert.equal(await run('exec <&-; true'), '');
    assert.equal((await run('head -c 300000 /dev/zero | tr "\\\\0" x')).length, 64 * 1024);
  });

  it('that leaves a program behind with its output does not wait for it', async () => {
    const pid = await run('sleep 60 & echo $!');
    assert.match(pid, /^\d+$/);
    process.kill(Number(pid));
  });

  it('that hangs is killed with all that it started', async () => {
    // Nobody else sleeps for so long.
    const sleep = `sleep 61.${process.pid}`;
    await assert.rejects(run(`${sleep} & wait`, never, 300), {
      code: 'EXTENSION_FAILED',
      message: 'Command took longer than 0.3 s and was killed',
    });
    while (running(sleep).length > 0) await pause(5);
  });

  it('is killed when the daemon stops', async () => {
    const stop = new AbortController();
    const running = run(`echo $$ > ${folder}/stopped; sleep 62`, stop.signal);
    while (!existsSync(`${folder}/stopped`)) await pause(5);
    stop.abort();
    await assert.rejects(running, { code: 'ABORTED' });
    await gone(readFileSync(`${folder}/stopped`, 'utf8').trim());
  });

  it('is killed when the daemon ends without waiting for it', async () => {
    const program = `
      import { runShell } from ${JSON.stringify(new URL('../../src/host/shell-command.js', import.meta.url).href)};
      import { existsSync } from 'node:fs';
      void runShell({ name: 'C', text: 'echo $$ > ${folder}/left; sleep 64', environment: {}, input: '' }, new AbortController().signal);
      setInterval(() => existsSync('${folder}/left') && process.exit(1), 5);`;
    const daemon = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'ignore' });
    assert.deepEqual(await once(daemon, 'exit'), [1, null]);
    await gone(readFileSync(`${folder}/left`, 'utf8').trim());
  });
});

/** Those in whose command this stands. */
const running = (words: string): readonly string[] =>
  readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandOf(pid).includes(words));

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** A killed process is nobody's any more, or waits to be taken note of. */
async function gone(pid: string): Promise<void> {
  const isDead = (): boolean => {
    try {
      return /^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return true;
    }
  };
  while (!isDead()) await pause(5);
}
