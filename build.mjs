/**
 * Bundles what ships into dist/: the daemon and its worker as ES modules, split so that a node loads only the store
 * and the cloud that it uses. Only files whose content changed are written, so a running daemon keeps its chunks.
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
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(fileURLToPath(import.meta.url));
const ENTRIES = { weftd: 'src/main.ts', 'kernel-worker': 'src/host/kernel-worker.ts' };
const LIMIT_BYTES = 1_000_000;
/**
 * What `weftd run` with a DynamoDB store never loads: other providers, the lab, other commands. And what it loads only
 * where credentials come neither from the environment nor from the instance: the SDK's profiles, SSO, web identity.
 */
const NOT_THE_DAEMON = [
  /^providers\/(?!dynamodb\/)/,
  /^src\/lab\//,
  /^src\/commands\/(?!run\.ts|command-line\.ts)/,
  /^node_modules\/@aws-sdk\/(credential-provider-(ini|sso|login|process|web-identity)|nested-clients|token-providers)\//,
];

const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const entryPoints = Object.fromEntries(
  Object.entries(ENTRIES).filter(([name, source]) => {
    const there = existsSync(path.join(root, source));
    if (!there) console.error(`build: ${source} does not exist yet, so dist/${name}.mjs is not built`);
    return there;
  }),
);
if (Object.keys(entryPoints).length === 0) process.exit(1);

const result = await build({
  absWorkingDir: root,
  entryPoints,
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunks/[name]-[hash]',
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
  define: { __WEFT_VERSION__: JSON.stringify(version) },
  // Names stay as they are: stack traces of a shipped daemon must be readable without the maps.
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: 'linked',
  legalComments: 'none',
  logLevel: 'warning',
}).catch(() => process.exit(1)); // esbuild has printed what is wrong

writeDist([...result.outputFiles, notices(result.metafile)]);
if (entryPoints.weftd) checkSize(result.metafile.outputs);

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
function notices(metafile) {
  const packages = new Map();
  for (const input of Object.keys(metafile.inputs)) {
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

function checkSize(outputs) {
  const everyStart = closure(outputs, (imported) => imported.kind === 'import-statement');
  const elsewhere = ({ path: file }) => NOT_THE_DAEMON.some((it) => it.test(outputs[file]?.entryPoint ?? ''));
  const withDynamoDB = closure(outputs, (imported) => !elsewhere(imported));
  const all = closure(outputs, () => true);
  const kb = (bytes) => `${Math.round(bytes / 1000)} kB`;
  const small = withDynamoDB <= LIMIT_BYTES;
  if (!small || !process.argv.includes('--quiet')) {
    console.error(
      `build: ${kb(all)} in all; every start reads ${kb(everyStart)}, a daemon with DynamoDB ${kb(withDynamoDB)}`,
    );
  }
  if (small) return;
  console.error(`build: that is more than the ${kb(LIMIT_BYTES)} allowed; what grew shows in "npx esbuild --analyze"`);
  process.exitCode = 1;
}

/** Bytes of dist/weftd.mjs and of all it imports, as far as `follows` goes. */
function closure(outputs, follows) {
  const seen = new Set(['dist/weftd.mjs']);
  for (const file of seen) {
    for (const imported of outputs[file].imports) {
      if (outputs[imported.path] && follows(imported)) seen.add(imported.path);
    }
  }
  return [...seen].reduce((sum, file) => sum + outputs[file].bytes, 0);
}
