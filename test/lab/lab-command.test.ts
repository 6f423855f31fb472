import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runLab } from '../../src/lab/lab-command.ts';

async function typed(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  const code = await runLab(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env: process.env,
    executable: '/nowhere/weftd.mjs',
  });
  return { code, stdout, stderr };
}

test('help names every command and every scenario', async () => {
  const { code, stdout } = await typed('--help');
  assert.equal(code, 0);
  for (const word of ['demo', 'up', 'status', 'exec', 'down', 'blackhole', 'first-light'])
    assert.ok(stdout.includes(word), word);
  assert.equal((await typed('demo', '--help')).stdout, stdout);
});

test('no command at all shows the help and is bad usage', async () => {
  const { code, stdout } = await typed();
  assert.equal(code, 2);
  assert.match(stdout, /^Usage: weftd lab COMMAND/);
});

test('the help of the emulated AWS needs no running lab', async () => {
  const { code, stdout } = await typed('aws', 'help');
  assert.equal(code, 0);
  assert.match(stdout, /kill-routes instance=b1/);
});

test('an unknown command, option, scenario or store is bad usage and says what there is', async () => {
  for (const [args, words] of [
    [['dance'], /no command "dance" \[BAD_OPTION\]\n {2}weftd lab --help lists them/],
    [['demo', '--jason'], /Unknown option '--jason'[^]*BAD_OPTION/],
    [['demo', '--store', 'redis'], /the lab has no store "redis" \[BAD_OPTION\]\n {2}there are: dynamodb, etcd/],
    [['demo', '--scenario', 'doom'], /no scenario "doom" \[BAD_OPTION\]\n {2}there are: blackhole, .*first-light/],
  ] as const) {
    const { code, stderr } = await typed(...args);
    assert.equal(code, 2);
    assert.match(stderr, words);
  }
});
