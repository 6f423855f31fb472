import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { checkout, lint } from './oxlint.ts';

// DESIGN.md 8, row by row: what a folder may import besides itself. A word is a folder, a file or a package
// (`*` = one name). "type X": by `import type` alone. "lazy X": by `import()` alone.
const ALL_OF_SRC = [
  'core',
  'contracts',
  'datapath',
  'reconcile',
  'agent',
  'commands',
  'host',
  'native',
  'system',
  'lab',
];
const SRC = ALL_OF_SRC.map((name) => `src/${name}`);
const COMPOSITION = [...SRC, 'src', 'node:*', 'commander', 'lazy providers/*'];
const PROVIDER = ['src/core', 'src/contracts', 'node:*', 'valibot'];

const TABLE: Readonly<Record<string, readonly string[]>> = {
  'src/core': [],
  'src/contracts': ['src/core'],
  'src/datapath': ['src/core'],
  'src/reconcile': ['src/core', 'src/contracts', 'src/datapath'],
  'src/agent': ['src/core', 'src/contracts', 'src/datapath', 'src/reconcile', 'node:*', 'prom-client'],
  'src/system': ['src/core', 'src/contracts', 'node:*', 'pino'],
  'src/native': ['node:*', 'koffi'],
  'src/host': ['src/core', 'src/contracts', 'src/native', 'node:*'],
  'src/lab': ['src/core', 'src/native', 'src/system', 'node:*', 'type @aws-sdk/*', 'type @google-cloud/*'],
  'providers/aws': [...PROVIDER, '@aws-sdk/*', '@smithy/*'],
  'providers/dynamodb': [...PROVIDER, '@aws-sdk/*', '@smithy/*'],
  'providers/etcd': [...PROVIDER, 'etcd3'],
  'providers/gce': [...PROVIDER, '@google-cloud/*', 'google-auth-library'],
  lambda: [
    ...['core', 'contracts', 'datapath', 'reconcile', 'system'].map((name) => `src/${name}`),
    'providers/aws',
    'providers/dynamodb',
    'providers/etcd',
    '@aws-lambda-powertools/*',
    'node:*',
  ],
  infra: [
    ...['aws', 'dynamodb'].flatMap((name) => [`providers/${name}/calls.ts`, `providers/${name}/table.ts`]),
    'src/core',
    'lambda/metric-names.ts',
    'aws-cdk-lib',
    'constructs',
    'cdk-nag',
    'node:*',
  ],
  src: COMPOSITION,
  'src/commands': COMPOSITION,
};

/** Folders that have sub-folders; these follow the row of their folder. */
const NESTED = ['src/native', 'src/lab'].map((folder) => `${folder}/nested`);
const FOLDERS = [...Object.keys(TABLE), ...NESTED, 'test'];
const SINGLE_FILES = [
  ...['aws', 'dynamodb', 'gce'].flatMap((name) => [`providers/${name}/calls.ts`, `providers/${name}/table.ts`]),
  'lambda/metric-names.ts',
];
const FILES = [...FOLDERS.map((folder) => `${folder}/thing.ts`), ...SINGLE_FILES];
const PACKAGES = [
  'node:fs',
  'node:fs/promises',
  'fs',
  'koffi',
  'pino',
  'prom-client',
  'commander',
  'valibot',
  'p-limit',
  'etcd3',
  '@aws-sdk/client-dynamodb',
  '@smithy/node-http-handler',
  '@google-cloud/compute',
  'google-auth-library',
  '@aws-lambda-powertools/logger',
  'aws-cdk-lib',
  'aws-cdk-lib/aws-lambda',
  'constructs',
  'cdk-nag',
];
const FORMS = ['value', 'type', 'lazy'] as const;
type Form = (typeof FORMS)[number];

function statement(form: Form, specifier: string, name: string): string {
  if (form === 'value') return `import { ${name} } from '${specifier}';`;
  if (form === 'type') return `import type { ${name} } from '${specifier}';`;
  return `export const ${name} = await import('${specifier}');`;
}

/** Does this word of a row cover this file or package? */
function covers(word: string, target: string): boolean {
  const pattern = word.replaceAll('*', '[^/]+');
  const exact = new RegExp(`^${pattern}$`);
  const folder = path.posix.dirname(target).replace(/\/nested$/, '');
  if (exact.test(target) || exact.test(folder)) return true;
  // A package word covers what lies below the package: node:fs/promises, aws-cdk-lib/aws-lambda.
  return PACKAGES.includes(target) && new RegExp(`^${pattern}/`).test(target);
}

function allowed(from: string, target: string, form: Form): boolean {
  const folder = from.replace(/\/nested$/, '');
  if (folder === 'test' || covers(folder, target)) return true;
  return (TABLE[folder] ?? []).some((word) => {
    const [kind, name] = word.includes(' ') ? word.split(' ') : [form, word];
    return kind === form && covers(name ?? '', target);
  });
}

test('every import that the dependency table forbids is reported, and no other', () => {
  const files: Record<string, string> = {};
  const expected: string[] = [];
  for (const folder of FOLDERS) {
    const file = folder === 'src' ? 'src/main.ts' : `${folder}/importer.ts`;
    const lines: string[] = [];
    for (const target of [...FILES, ...PACKAGES]) {
      const relative = path.posix.relative(folder, target);
      const specifier = PACKAGES.includes(target) ? target : relative.startsWith('.') ? relative : `./${relative}`;
      for (const form of FORMS) {
        lines.push(statement(form, specifier, `name${lines.length}`));
        if (!allowed(folder, target, form)) expected.push(`${file}: ${statement(form, specifier, 'x')}`);
      }
    }
    files[file] = lines.join('\n');
  }
  const { findings } = lint(files);
  const reported = findings
    .filter((finding) => finding.rule === 'eslint(no-restricted-imports)')
    .map(({ file, line }) => `${file}: ${(files[file]?.split('\n')[line - 1] ?? '').replace(/\bname\d+\b/, 'x')}`);
  assert.ok(expected.length > 700, 'the table forbids most of what could be imported');
  assert.deepEqual(
    {
      missed: expected.filter((line) => !reported.includes(line)),
      wronglyReported: reported.filter((line) => !expected.includes(line)),
    },
    { missed: [], wronglyReported: [] },
  );
});

test('one forbidden import makes the lint run fail, and its message repeats the row', () => {
  const tree = {
    'src/host/route.ts': `export const route = 'r';\n`,
    'src/core/lease.ts': `export const lease = 'l';\n`,
  };
  assert.equal(lint(tree, '--type-aware').exitCode, 0);
  const broken = lint({
    ...tree,
    'src/core/lease.ts': `import { route } from '../host/route.ts';\n\nexport const lease = route;\n`,
  });
  assert.notEqual(broken.exitCode, 0);
  assert.deepEqual(broken.findings, [
    {
      file: 'src/core/lease.ts',
      line: 1,
      rule: 'eslint(no-restricted-imports)',
      message: 'src/core may import nothing: no package, no node:*, no other folder.',
    },
  ]);
});

test('the pure folders see no clock, no chance and no process', () => {
  const impure = [
    'Date.now()',
    'performance.now()',
    'setTimeout(f)',
    'setInterval(f)',
    'setImmediate(f)',
    'clearTimeout(f)',
    'queueMicrotask(f)',
    'process.env',
    'console.log()',
    `fetch('')`,
    `Buffer.from('')`,
    'crypto.randomUUID()',
    'globalThis.Date',
    'Math.random()',
  ];
  const text = impure.map((expression, i) => `export const name${i} = ${expression};`).join('\n');
  const folders = ['src/core', 'src/contracts', 'src/datapath', 'src/reconcile', 'src/agent'];
  const { findings } = lint(Object.fromEntries(folders.map((folder) => [`${folder}/impure.ts`, text])));
  const restricted = findings.filter(({ rule }) => /no-restricted-(globals|properties)/.test(rule));
  const reported = restricted.map(({ file, line }) => `${path.dirname(file)}: ${impure[line - 1] ?? ''}`);
  const pure = folders.filter((folder) => folder !== 'src/agent');
  const expected = pure.flatMap((folder) => impure.map((expression) => `${folder}: ${expression}`));
  assert.deepEqual([...new Set(reported)].toSorted(), expected.toSorted());
});

test('every folder of the tree has a row', () => {
  const folders = ['src', 'providers'].flatMap((top) => {
    const at = path.join(checkout(), top);
    if (!existsSync(at)) return [];
    const entries = readdirSync(at, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => `${top}/${entry.name}`);
  });
  assert.deepEqual(
    folders.filter((folder) => TABLE[folder] === undefined),
    [],
  );
});
