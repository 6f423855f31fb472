/** What is uploaded. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { BUNDLE } from './lambda-world.ts';

const files = readdirSync(BUNDLE, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => path.join(parentPath, name));

test('the bundle is a handler, in modules, without source maps', async () => {
  assert.deepEqual(
    files.filter((file) => !file.endsWith('.mjs')),
    [],
  );
  const module: object = await import(pathToFileURL(path.join(BUNDLE, 'index.mjs')).href);
  assert.deepEqual(Object.keys(module).toSorted(), ['handler', 'makeHandler']);
});

test('nothing in it depends on where it was built, so that the same source is the same upload', () => {
  // Of a checkout in /app or /src the folder's own name alone may stand anywhere.
  const places = ['lambda', 'node_modules', 'providers', 'src'].map((name) => path.resolve(name) + path.sep);
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    assert.deepEqual(
      places.filter((place) => text.includes(place)),
      [],
      file,
    );
  }
});

test('what etcd needs lies apart', () => {
  const withEtcd = files.filter((file) => readFileSync(file, 'utf8').includes('etcdserverpb'));
  assert.deepEqual(
    withEtcd.map((file) => path.relative(BUNDLE, file)),
    ['later/etcd-open-store.mjs'],
  );
});
