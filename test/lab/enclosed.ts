/**
 * Runs the tests of a file inside namespaces of the lab's kind: the file starts itself anew there, as root or as an ordinary user. Whatever its tests
 * leave behind goes away with the first process.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { enclosed as command, findWay, type Way } from '../../src/lab/enclosure.ts';
import { settleIn } from '../../src/lab/inside.ts';
import { searchPath } from '../../src/lab/program.ts';
import { SERVICES, type StoreKind } from '../../src/lab/store.ts';

const INSIDE = 'WEFT_TEST_INSIDE';

/**
 * @param url the test file's own `import.meta.url`. `define` declares its tests.
 * @param store what they need to be there; a file may do this once for each
 */
export function enclosed(url: string, define: () => void, store?: StoreKind): void {
  const file = fileURLToPath(url);
  const part = store ?? 'all';
  const inside = process.env[INSIDE];
  if (inside !== undefined) {
    if (inside !== part) return;
    before(() => settleIn(file));
    define();
    return;
  }
  const name = `${path.basename(file, '.js')}${store === undefined ? '' : ` on ${SERVICES[store].title}`}`;
  test(`inside namespaces of its own: ${name}`, async (t) => {
    const way = await wayOrWhyNot(store);
    if (typeof way !== 'string') return t.skip(way.message);
    const { code, output } = await runInside(way, file, part, t.signal);
    assert.equal(code, 0, output);
  });
}

/** As root the tests must run; another user may lack the right, and is told which. */
async function wayOrWhyNot(store: StoreKind | undefined): Promise<Way | Error> {
  try {
    return await findWay(store);
  } catch (error) {
    if (process.getuid?.() === 0 || !(error instanceof Error)) throw error;
    return error;
  }
}

function runInside(
  way: Way,
  file: string,
  part: string,
  signal: AbortSignal,
): Promise<{ code: number | null; output: string }> {
  // The test runner tells its children by this how to report; this one reports for people.
  const { NODE_TEST_CONTEXT: _, ...rest } = process.env;
  const node = [process.execPath, '--enable-source-maps', '--test-reporter=spec', file];
  // A file that does not end is killed by the test runner, and what it has started here would go on beside all others (setpriv(1)).
  const [program, ...args] = ['setpriv', '--pdeathsig', 'KILL', ...command(way, node)];
  const env = { ...rest, [INSIDE]: part, PATH: searchPath(process.env['PATH']) };
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], signal, killSignal: 'SIGKILL' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** The checkout: compiled tests lie somewhere below build/. */
export function checkout(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package-lock.json'))) {
    if (folder === path.dirname(folder)) throw new Error('no package-lock.json above this test');
    folder = path.dirname(folder);
  }
  return folder;
}

/** What ships, and what the lab's hosts run. */
export function bundle(): string {
  const file = path.join(checkout(), 'dist/weftd.mjs');
  assert.ok(existsSync(file), `${file} is not there: node build.mjs`);
  return file;
}
