/**
 * Bundles what ships into dist/: the daemon and its workers as ES modules, split so that a node loads only the store
 * and the cloud that it uses. Only files whose content changed are written, so a running daemon keeps its chunks.
 *
 *     weftd.mjs, *.mjs      what a start of the daemon waits for, in few files: each costs about a millisecond
 *     later/                what is loaded when it is needed, with its own copy of what it shares with the above
 *     kernel-worker.mjs, udp-worker.mjs
 *     lambda/               the reconciler's function, as it is uploaded (lambda/bundle.mjs)
 *     infra/                the CDK part; with --types its declarations too (infra/bundle.mjs)
 *
 *   node build.mjs [--quiet] [--types]
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFile } from 'node:fs/promises';
import { build, transform } from 'esbuild';
import { bundlesAws } from './providers/aws/bundle.mjs';
import { bundlesEtcd } from './providers/etcd/bundle.mjs';
import { bundleInfra, declareInfra } from './infra/bundle.mjs';
import { bundleLambda, LAMBDA_LIMIT_BYTES, readByRun } from './lambda/bundle.mjs';

const root = path.dirname(fileURLToPath(import.meta.url));
const LIMIT_BYTES = 1_000_000;
const kb = (bytes) => `${Math.round(bytes / 1000)} kB`;
/** What the daemon loads of later/ while it runs; the rest belongs to other commands, and to credentials that no server has. */
const LATER_OF_THE_DAEMON = [
  'pino',
  'metrics',
  'packet-filter',
  'credential-provider-http',
  'credential-provider-imds',
];

const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
/**
 * `import ... from 'process'` makes Node wrap every property of the process object, which costs time at each start;
 * the global is the same object.
 */
const quickProcess = {
  name: 'quick-process',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?process$/ }, ({ kind }) =>
      kind === 'import-statement' ? { path: 'process', namespace: 'global' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'global' }, () => ({
      contents:
        'const it = globalThis.process; export default it; export const { argv, cwd, emitWarning, env, platform, versions } = it;',
    }));
  },
};

/** Names inside packages are shortened, which saves an eighth of the whole; ours stay: a stack trace must be readable without the maps. */
const shortNames = {
  name: 'short-names',
  setup({ onLoad }) {
    onLoad({ filter: /\/node_modules\/.*\.js$/ }, async ({ path: file }) => ({
      contents: await shortened(await readFile(file, 'utf8')),
    }));
  },
};
const shortened = async (text) => (await transform(text, { minifyIdentifiers: true })).code;

/**
 * Packages that other packages import for what nothing here asks of them: prom-client's for exemplars of traces, pino's for logging by a worker.
 * A call of either would throw.
 */
const leftOut = {
  name: 'left-out',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(@opentelemetry\/api|thread-stream)$/ }, ({ path: name }) => ({
      path: name,
      namespace: 'left-out',
    }));
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** What is imported on demand and is not the store that starts the quickest, by the name of its file in later/. */
const later = {};
const putOff = {
  name: 'put-off',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /.*/ }, async ({ kind, path: wanted, pluginData, ...from }) => {
      if (kind !== 'dynamic-import' || pluginData === putOff || /^node:|\/providers\/(?!etcd\/)/.test(wanted))
        return undefined;
      const found = await resolve(wanted, { ...from, kind: 'import-statement', pluginData: putOff });
      if (found.external || found.errors.length > 0) return undefined;
      const [, vendor = ''] = /\/providers\/(\w+)\//.exec(wanted) ?? [];
      const name = `${vendor}${vendor && '-'}${path.basename(wanted, '.ts')}`;
      later[name] = found.path;
      return { path: `./later/${name}.mjs`, external: true };
    });
  },
};

const options = {
  absWorkingDir: root,
  outExtension: { '.js': '.mjs' },
  chunkNames: '[name]-[hash]',
  write: false,
  metafile: true,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Without this esbuild takes the SDK's CommonJS form, of which nothing can be left out.
  mainFields: ['module', 'main'],
  // koffi is a native library: it finds its binary beside itself in node_modules.
  external: ['koffi', '@koromix/*'],
  // Some packages inside still call require() for Node's own modules.
  banner: {
    js: "import{createRequire as __weftRequire}from'node:module';const require=__weftRequire(import.meta.url);",
  },
  define: {
    __WEFT_VERSION__: JSON.stringify(version),
    // The SDK asks of each answer whether its body is a browser's stream, and Node loads all of those to tell. It never
    // is: we speak node:http.
    ReadableStream: 'undefined',
  },
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: 'linked',
  legalComments: 'none',
  logLevel: 'warning',
};
const bundle = async (outdir, entryPoints, plugins = [], differing = {}) =>
  // esbuild prints what is wrong.
  await build({
    ...options,
    ...differing,
    outdir,
    entryPoints,
    plugins: [...plugins, quickProcess, leftOut, ...bundlesEtcd(shortened), ...bundlesAws(shortened), shortNames],
  }).catch(() => process.exit(1));

const start = await bundle('dist', { weftd: 'src/main.ts' }, [putOff]);
const workers = [
  await bundle('dist', { 'kernel-worker': 'src/host/kernel-worker.ts' }),
  await bundle('dist', { 'udp-worker': 'src/host/udp-worker.ts' }),
];
const rest = await bundle('dist/later', later);
const lambda = await bundleLambda(bundle);

const all = [start, ...workers, rest, lambda.main, lambda.rest, await bundleInfra(bundle)];
writeDist([...all.flatMap(({ outputFiles }) => outputFiles), notices(all)]);
if (process.argv.includes('--types')) declareInfra(root);
checkSize();

/** Writes what changed, each file in one step, then removes what an earlier build left. */
function writeDist(files) {
  const kept = new Set(files.map((file) => file.path));
  for (const { path: file, contents } of files) {
    mkdirSync(path.dirname(file), { recursive: true });
    if (existsSync(file) && readFileSync(file).equals(contents)) continue;
    writeFileSync(`${file}.new`, contents);
    if (file.endsWith('/weftd.mjs')) chmodSync(`${file}.new`, 0o755);
    renameSync(`${file}.new`, file);
  }
  for (const entry of readdirSync(path.join(root, 'dist'), { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && !kept.has(file)) rmSync(file);
  }
}

/** The licences of the packages inside the bundle, which must travel with it. */
function notices(bundles) {
  const packages = new Map();
  for (const input of bundles.flatMap(({ metafile }) => Object.keys(metafile.inputs))) {
    const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
    if (folder === undefined || packages.has(folder)) continue;
    const file = readdirSync(path.join(root, folder)).find((name) => /^(licen[cs]e|copying)/i.test(name));
    const about = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'));
    const text = file === undefined ? about.license : readFileSync(path.join(root, folder, file), 'utf8').trim();
    packages.set(folder, { name: `${about.name} ${about.version}`, text });
  }
  const byText = new Map();
  for (const { name, text } of packages.values()) byText.set(text, [...(byText.get(text) ?? []), name]);
  const parts = [...byText].map(([text, names]) => `${names.toSorted().join('\n')}\n\n${text}\n`);
  const all = `weftd contains these packages.\n\n${parts.toSorted().join(`\n${'-'.repeat(80)}\n\n`)}`;
  return { path: path.join(root, 'dist', 'THIRD-PARTY-NOTICES.txt'), contents: Buffer.from(all) };
}

function checkSize() {
  const ofLater = LATER_OF_THE_DAEMON.map((name) => `dist/later/${name}.mjs`);
  const atStart = closure(
    start,
    Object.keys(start.metafile.outputs).filter((file) => file.endsWith('.mjs')),
  );
  const daemon = atStart + closure(rest, ofLater);
  checkLimit('a daemon with DynamoDB', daemon, LIMIT_BYTES, `, of which ${kb(atStart)} before its subnet.env`);
  checkLimit('a Lambda with DynamoDB', closure(lambda.main, readByRun(lambda.main)), LAMBDA_LIMIT_BYTES);
}

function checkLimit(who, bytes, limit, more = '') {
  const small = bytes <= limit;
  if (!small || !process.argv.includes('--quiet')) console.error(`build: ${who} reads ${kb(bytes)}${more}`);
  if (small) return;
  console.error(`build: that is more than the ${kb(limit)} allowed; what grew shows in "npx esbuild --analyze"`);
  process.exitCode = 1;
}

/** Bytes of these files and of all that they import at once. */
function closure({ metafile: { outputs } }, files) {
  const seen = new Set(files);
  for (const file of seen) {
    for (const { path: imported, kind } of outputs[file].imports) {
      if (outputs[imported] && kind === 'import-statement') seen.add(imported);
    }
  }
  return [...seen].reduce((sum, file) => sum + outputs[file].bytes, 0);
}
