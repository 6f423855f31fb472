/**
 * Bundles what ships into dist/: the daemon and its workers as ES modules, split so that a node loads only the store
 * and the cloud that it uses. Only files whose content changed are written, so a running daemon keeps its chunks.
 *
 *     weftd.mjs, *.mjs      what a start of the daemon waits for, in few files: each costs about a millisecond
 *     later/                what is loaded when it is needed, with its own copy of what it shares with the above
 *     kernel-worker.mjs, udp-worker.mjs
 *
 *   node build.mjs [--quiet]
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
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFile } from 'node:fs/promises';
import { build, transform } from 'esbuild';

const root = path.dirname(fileURLToPath(import.meta.url));
const LIMIT_BYTES = 1_000_000;
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

/**
 * etcd3 parses its .proto files when it is loaded, from beside itself; the bundle has none beside it. They become JSON here, in the form that
 * the same parser makes of them, with the calls that we make alone: all of it costs a start a tenth of its time.
 */
const protosInside = {
  name: 'protos-inside',
  setup({ onLoad }) {
    onLoad({ filter: /\/etcd3\/lib\/connection-pool\.js$/ }, async ({ path: file }) => {
      const require = createRequire(createRequire(file).resolve('@grpc/proto-loader'));
      const { Root } = require('protobufjs');
      const root = new Root().loadSync(path.join(path.dirname(file), '../proto/rpc.proto'), { keepCase: true });
      const code = await readFile(file, 'utf8');
      const call = '.loadSync)(`${__dirname}/../proto/rpc.proto`,';
      if (!code.includes(call)) throw new Error('etcd3 loads its .proto files in another way than it did');
      const json = JSON.stringify(ofCalls(root.toJSON(), callsToEtcd()));
      return { contents: await shortened(code.replace(call, () => `.fromJSON)(${json},`)) };
    });
    // What it would make for those who ask a client to describe itself, nobody asks for.
    onLoad({ filter: /\/@grpc\/proto-loader\/build\/src\/index\.js$/ }, async ({ path: file }) => {
      let code = await readFile(file, 'utf8');
      for (const [from, to] of [
        [`root.toDescriptor('proto3').file`, '[]'],
        [`message.toDescriptor('proto3')`, 'undefined'],
        ['messageDescriptor.$type.toObject(messageDescriptor, descriptorOptions)', '{}'],
        ['require("protobufjs/ext/descriptor")', '{}'],
        ['(0, util_1.addCommonProtos)();', ''],
      ]) {
        if (!code.includes(from)) throw new Error('@grpc/proto-loader describes messages in another way than it did');
        code = code.replace(from, to);
      }
      return { contents: await shortened(code) };
    });
  },
};

/** As the provider's source says, by service; logging in is etcd3's own. */
function callsToEtcd() {
  const folder = path.join(root, 'providers/etcd');
  const calls = { KV: [], Watch: [], Lease: [], Auth: ['authenticate'] };
  const services = { kv: 'KV', watchClient: 'Watch', leaseClient: 'Lease', authClient: 'Auth' };
  for (const file of readdirSync(folder)) {
    const text = readFileSync(path.join(folder, file), 'utf8');
    for (const [, client, method] of text.matchAll(/\b(\w+Client|kv)\.(\w+)\(/g)) {
      if (!(client in services)) throw new Error(`${file} calls ${client}, of which build.mjs knows no service`);
      calls[services[client]].push(method);
    }
  }
  return calls;
}

/** The services with these methods alone, and the messages that those need. */
function ofCalls({ nested }, calls) {
  const all = new Map(Object.values(nested).flatMap((space) => Object.entries(space.nested)));
  const needed = new Set();
  const need = (type) => {
    const name = type.split('.').at(-1);
    if (needed.has(name) || !all.has(name)) return;
    needed.add(name);
    for (const [, field] of JSON.stringify(all.get(name)).matchAll(/"type":"([^"]+)"/g)) need(field);
  };
  const kept = {};
  for (const [service, methods] of Object.entries(calls)) {
    const found = Object.entries(all.get(service).methods).filter(([name]) =>
      methods.some((method) => method.toLowerCase() === name.toLowerCase()),
    );
    const bare = ({ requestType, requestStream, responseType, responseStream }) =>
      // JSON leaves out what is undefined.
      ({ requestType, requestStream, responseType, responseStream });
    kept[service] = { methods: Object.fromEntries(found.map(([name, method]) => [name, bare(method)])) };
    for (const [, { requestType, responseType }] of found) [requestType, responseType].forEach(need);
  }
  const space = ([name, { nested: inside, ...rest }]) => {
    const entries = Object.entries(inside).flatMap(([key, it]) =>
      needed.has(key) ? [[key, it]] : key in kept ? [[key, kept[key]]] : [],
    );
    return [name, { ...rest, nested: Object.fromEntries(entries) }];
  };
  return { nested: Object.fromEntries(Object.entries(nested).map(space)) };
}

/**
 * gRPC names the server to TLS also where the name is an IP address, which RFC 6066 forbids and Node warns of (DEP0123). Without one Node names none, and still holds the
 * certificate against the address.
 */
const noAddressAsServerName = {
  name: 'no-address-as-server-name',
  setup({ onLoad }) {
    onLoad({ filter: /\/grpc-js\/build\/src\/channel-credentials\.js$/ }, async ({ path: file }) => {
      const code = await readFile(file, 'utf8');
      const line = 'connectionOptions.servername = remoteHost;';
      if (!code.includes(line)) throw new Error('gRPC names the server to TLS in another way than it did');
      const named = `connectionOptions.servername = require('node:net').isIP(remoteHost) ? '' : remoteHost;`;
      return { contents: await shortened(code.replace(line, named)) };
    });
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
const bundle = async (outdir, entryPoints, ...plugins) =>
  // esbuild prints what is wrong.
  await build({
    ...options,
    outdir,
    entryPoints,
    plugins: [...plugins, quickProcess, leftOut, protosInside, noAddressAsServerName, shortNames],
  }).catch(() => process.exit(1));

const start = await bundle('dist', { weftd: 'src/main.ts' }, putOff);
const workers = [
  await bundle('dist', { 'kernel-worker': 'src/host/kernel-worker.ts' }),
  await bundle('dist', { 'udp-worker': 'src/host/udp-worker.ts' }),
];
const rest = await bundle('dist/later', later);

const all = [start, ...workers, rest];
writeDist([...all.flatMap(({ outputFiles }) => outputFiles), notices(all)]);
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
  const kb = (bytes) => `${Math.round(bytes / 1000)} kB`;
  const small = daemon <= LIMIT_BYTES;
  if (!small || !process.argv.includes('--quiet')) {
    console.error(`build: a daemon with DynamoDB reads ${kb(daemon)}, of which ${kb(atStart)} before its subnet.env`);
  }
  if (small) return;
  console.error(`build: that is more than the ${kb(LIMIT_BYTES)} allowed; what grew shows in "npx esbuild --analyze"`);
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
