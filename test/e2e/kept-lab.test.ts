import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it } from 'node:test';
import { attempt, type ProgramResult } from '../../src/lab/program.ts';
import { bundle, enclosed } from '../lab/enclosed.ts';
import { becomes } from './becomes.ts';

/** It ends when all that holds its stdout has let go: a kept lab may not keep its caller waiting. */
const lab = (...args: readonly string[]): Promise<ProgramResult> =>
  attempt(process.execPath, [bundle(), 'lab', ...args]);

// Labs are found among the processes that can be seen: in here none but ours.
enclosed(import.meta.url, () => {
  describe('a lab that is kept', () => {
    it('can be looked into and commanded, and goes away with all in it', async () => {
      const up = await lab('up');
      try {
        assert.equal(up.code, 0, up.stdout + up.stderr);
        assert.match(up.stdout, /The lab stays up/);

        const status = await lab('status');
        assert.match(status.stdout, /^a1 +10\.42\.\d+\.0\/24 +held$/m);
        assert.match(status.stdout, /(direct|fabric|vxlan) +10\.42\.\d+\.0\/24 +o1 +node-o1/);

        const addresses = await lab('exec', 'a1', '--', 'ip', '-br', 'address', 'show', 'dev', 'eth0');
        assert.match(addresses.stdout, /10\.0\.1\.11\/24/);

        const own = await lab('exec', 'a1', '--', 'weftd', 'status', '--json');
        assert.equal(own.code, 0, own.stderr);
        assert.match(own.stdout, /"node": ?"i-0/);

        assert.match((await lab('aws', 'state')).stdout, /^instance i-0\w+ running$/m);
        assert.equal((await lab('aws', 'kill-routes', 'instance=b1')).code, 0);
        assert.match((await lab('aws', 'state')).stdout, /^damage routes to eni-0\w+ are dead$/m);

        assert.equal((await lab('exec', 'a1-c1', '--', 'sh', '-c', 'exit 7')).code, 7);
        assert.match((await lab('exec', 'zz', '--', 'true')).stderr, /the lab has no "zz": it has a1, a1-c1, /);
      } finally {
        const down = await lab('down');
        assert.equal(down.code, 0, down.stderr);
      }
      assert.match((await lab('status')).stderr, /no lab is running/);
    });

    it('is not ended by who asks for another', async () => {
      const playing = spawn(process.execPath, [bundle(), 'lab', 'demo', '--scenario', 'first-light'], {
        stdio: 'ignore',
      });
      const ended = new Promise((resolve) => playing.on('close', resolve));
      try {
        await becomes('it can be looked into', 0, async () => (await lab('exec', 'a1', '--', 'true')).code);
        const down = await lab('down');
        assert.equal(down.code, 1, down.stderr);
        assert.match(down.stderr, /first-light \(process \d+\) is being played: it ends by itself/);
        assert.equal((await lab('exec', 'a1', '--', 'true')).code, 0);
      } finally {
        playing.kill('SIGTERM');
        await ended;
      }
      await becomes('it is gone', true, async () => /no lab is running/.test((await lab('status')).stderr));
    });

    it('is none when its reader has seen enough', async () => {
      const shell = await attempt('sh', ['-c', `"${process.execPath}" "${bundle()}" lab up | head -n 1`]);
      assert.deepEqual([shell.stdout, shell.stderr], ['weftd lab  blackhole\n', '']);
      await becomes('it is gone', true, async () => /no lab is running/.test((await lab('status')).stderr));
    });
  });
});
