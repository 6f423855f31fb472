import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { checkout } from './oxlint.ts';

interface Package {
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(path.join(checkout(), name), 'utf8'));
}

const locked = (read('package-lock.json') as { packages: Readonly<Record<string, Package>> }).packages;

test('the lock file names no download address', () => {
  const addressed = Object.keys(locked).filter((name) => locked[name]?.resolved !== undefined);
  assert.deepEqual(addressed, []);
});

test('the lock file has every optional package, so that npm ci accepts it on each platform', () => {
  // A registry that lacks one platform's binary makes npm write a lock without it, which `npm ci` then refuses.
  const missing = Object.values(locked).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies).filter((name) => locked[`node_modules/${name}`] === undefined),
  );
  assert.deepEqual(missing, []);
});

test('every dependency is pinned to one version', () => {
  const { dependencies, devDependencies, optionalDependencies } = read('package.json') as Package;
  const wanted = { ...dependencies, ...devDependencies, ...optionalDependencies };
  const loose = Object.entries(wanted).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version));
  assert.deepEqual(loose, []);
});
