/** The examples of docs/testing-with-weft.md, run as they stand. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readDocument } from './tables.ts';

const run = promisify(execFile);
const text = readDocument('docs/testing-with-weft.md');
const [, shell = ''] = /^```sh\n([\s\S]*?)^```/m.exec(text) ?? [];
const [, program = ''] = /^```js\n([\s\S]*?)^```/m.exec(text) ?? [];

const lacking = spawnSync('aws', ['--version']).error === undefined ? false : 'aws is not installed (Debian: awscli)';

describe('docs/testing-with-weft.md', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weft-testing-'));
  const env = {
    PATH: `${folder}:${process.env['PATH']}`,
    HOME: folder,
    AWS_PAGER: '',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    // Our SDK's word on this Node's age is nothing that its reader can act on.
    NODE_NO_WARNINGS: '1',
  };
  before(() => {
    const main = fileURLToPath(new URL('../../src/main.js', import.meta.url));
    const weftd = path.join(folder, 'weftd');
    writeFileSync(weftd, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
    chmodSync(weftd, 0o755);
    symlinkSync(path.resolve('node_modules'), path.join(folder, 'node_modules'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('has an example for the AWS CLI that does what it says', { skip: lacking }, async () => {
    // Job control is off in a script: the account is named by its number.
    const script = `set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n${shell.replace('kill %1', 'kill $!; wait')}`;
    const { stdout, stderr } = await run('bash', ['-c', script], { cwd: folder, env });
    assert.match(stdout, /"Return": true/);
    assert.match(stdout, /^route rtb-\w+ 10\.42\.1\.0\/24 eni-\w+ active CreateRoute$/m);
    assert.match(
      stderr,
      /\(UnauthorizedOperation\)[^]*assumed-role\/node\/session is not authorized to perform: ec2:DeleteRoute/,
    );
    assert.match(stdout, /^refused$/m);
    assert.match(
      stdout,
      /^\S+ admin CreateRoute .* -> ok$[^]*^\S+ node\/session DeleteRoute .* -> UnauthorizedOperation$/m,
    );
  });

  it('has an example for the AWS SDK that does what it says', async () => {
    writeFileSync(path.join(folder, 'example.mjs'), program);
    await run(process.execPath, ['example.mjs'], { cwd: folder, env });
  });
});
