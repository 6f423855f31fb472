import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { findWay } from '../../src/lab/enclosure.ts';
import { bundle } from '../lab/enclosed.ts';

async function lab(...args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [bundle(), 'lab', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // All that holds its stdout must have let go: a kept lab may not keep its caller waiting.
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
}

test('a lab that is kept can be looked into and commanded, and goes away with all in it', async (t) => {
  if (process.getuid?.() !== 0) {
    const why = await findWay().then(() => undefined, String);
    if (why !== undefined) return t.skip(why);
  }
  const up = await lab('up');
  try {
    assert.equal(up.code, 0, up.stdout + up.stderr);
    assert.match(up.stdout, /The lab stays up/);

    const status = await lab('status');
    assert.match(status.stdout, /^a1 +10\.42\.\d+\.0\/24 +held$/m);
    assert.match(status.stdout, /direct +10\.42\.\d+\.0\/24 +node-a2/);

    const addresses = await lab('exec', 'a1', '--', 'ip', '-br', 'address', 'show', 'dev', 'eth0');
    assert.match(addresses.stdout, /172\.30\.1\.11\/24/);

    const own = await lab('exec', 'a1', '--', 'weftd', 'status', '--json');
    assert.equal(own.code, 0, own.stderr);
    assert.match(own.stdout, /"node": ?"node-a1"/);

    assert.equal((await lab('exec', 'a1-c1', '--', 'sh', '-c', 'exit 7')).code, 7);
    assert.match((await lab('exec', 'zz', '--', 'true')).stderr, /the lab has no "zz": it has a1, a1-c1, /);
  } finally {
    const down = await lab('down');
    assert.equal(down.code, 0, down.stderr);
  }
  assert.match((await lab('status')).stderr, /no lab is running/);
});
