import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { spawnSync } from 'node:child_process';
import type { HostFile } from '../../src/core/host-entry.ts';
import { applyFile, observeFiles } from '../../src/host/files.ts';
import { readSubnetFile } from '../../src/host/subnet-file.ts';

describe('files of a host', () => {
  let folder: string;
  let path: string;
  const file = (text: string): HostFile => ({ kind: 'file', path, text });

  beforeEach(() => {
    folder = mkdtempSync(join(os.tmpdir(), 'weft-files-'));
    path = join(folder, 'run', 'flannel', 'subnet.env');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are put with their directories, for all to read, and seen as put', async () => {
    const umask = process.umask(0o077);
    try {
      await applyFile({ op: 'put', want: file('one\n') });
    } finally {
      process.umask(umask);
    }
    assert.deepEqual(await observeFiles([path, join(folder, 'none'), join(path, 'below-a-file')]), [file('one\n')]);
    const modes = [path, dirname(path), dirname(dirname(path)), folder].map((each) =>
      (statSync(each).mode & 0o777).toString(8),
    );
    assert.deepEqual(modes, ['644', '755', '755', '700'], 'only what was made gets a mode');
  });

  it('are replaced as a whole: who has the old one open reads the old one', async () => {
    await applyFile({ op: 'put', want: file('one\n') });
    const before = statSync(path).ino;
    await applyFile({ op: 'put', want: file('two\n'), was: file('one\n') });
    assert.equal(readFileSync(path, 'utf8'), 'two\n');
    assert.notEqual(statSync(path).ino, before);
    assert.deepEqual(readdirSync(dirname(path)), ['subnet.env']);
  });

  it('keep the old text when a write fails, and leave no scratch file', async () => {
    await applyFile({ op: 'put', want: file('one\n') });
    const blocked = { ...file('two\n'), path: join(folder, 'directory') };
    mkdirSync(join(blocked.path, 'full'), { recursive: true });
    await assert.rejects(applyFile({ op: 'put', want: blocked }), {
      code: 'KERNEL_REFUSED',
      message: /directory: EISDIR|directory: ENOTEMPTY/,
    });
    assert.deepEqual(readdirSync(folder).toSorted(), ['directory', 'run']);
    assert.deepEqual(await observeFiles([path]), [file('one\n')]);
  });

  it('are removed; one that is gone is removed already', async () => {
    await applyFile({ op: 'put', want: file('one\n') });
    await applyFile({ op: 'remove', was: file('one\n') });
    await applyFile({ op: 'remove', was: file('one\n') });
    rmSync(dirname(path), { recursive: true });
    await applyFile({ op: 'remove', was: file('one\n') });
    assert.deepEqual(await observeFiles([path]), []);
  });

  it('may be written by many at once: the last one whole', async () => {
    const texts = Array.from({ length: 20 }, (_, i) => `${String(i).repeat(5000)}\n`);
    await Promise.all(texts.map((text) => applyFile({ op: 'put', want: file(text) })));
    assert.ok(texts.includes(readFileSync(path, 'utf8')));
    assert.deepEqual(readdirSync(dirname(path)), ['subnet.env']);
  });

  it('lose the scratch files of writers that ended in the middle, and of nobody else', async () => {
    mkdirSync(dirname(path), { recursive: true });
    const ended = spawnSync(process.execPath, ['-e', '']).pid;
    const names = [
      `.subnet.env.weft-${ended}-1-a`,
      `.subnet.env.weft-${process.pid}-1-b`,
      `.subnet.env.weft-${process.ppid}-1-c`,
      '.subnet.env.bak',
    ];
    for (const name of names) writeFileSync(join(dirname(path), name), '');
    await applyFile({ op: 'put', want: file('one\n') });
    assert.deepEqual(readdirSync(dirname(path)).toSorted(), [
      '.subnet.env.bak',
      `.subnet.env.weft-${process.ppid}-1-c`,
      'subnet.env',
    ]);
  });

  it('that cannot be read stand, unlike anything wanted, and do not hide the others', async () => {
    mkdirSync(path, { recursive: true });
    const other = join(folder, 'other');
    writeFileSync(other, 'text');
    assert.deepEqual(await observeFiles([path, other]), [
      { kind: 'file', path, text: '\0' },
      { kind: 'file', path: other, text: 'text' },
    ]);
    await assert.rejects(applyFile({ op: 'put', want: file('one\n') }), { message: `cannot write ${path}: EISDIR` });
  });

  it('are named by absolute paths', async () => {
    await assert.rejects(applyFile({ op: 'put', want: { ...file(''), path: 'subnet.env' } }), {
      message: /expected an absolute path/,
    });
  });

  it(
    'that one may not write say so',
    { skip: process.getuid?.() === 0 ? 'root may write anywhere' : false },
    async () => {
      chmodSync(folder, 0o500);
      await assert.rejects(applyFile({ op: 'put', want: file('one\n') }), { code: 'NOT_PERMITTED' });
      chmodSync(folder, 0o700);
    },
  );
});

describe('subnet.env at the start', () => {
  it('is read, may be absent, and says when it cannot be read', async () => {
    const folder = mkdtempSync(join(os.tmpdir(), 'weft-subnet-'));
    const path = join(folder, 'subnet.env');
    assert.equal(await readSubnetFile(path), undefined);
    writeFileSync(path, 'FLANNEL_SUBNET=10.5.10.1/24\n');
    assert.equal((await readSubnetFile(path))?.subnet, '10.5.10.0/24');
    await assert.rejects(readSubnetFile(folder), {
      code: 'SUBNET_FILE_UNREADABLE',
      message: `cannot read subnet file ${folder}: EISDIR`,
    });
    rmSync(folder, { recursive: true });
  });
});
