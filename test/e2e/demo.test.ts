import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it } from 'node:test';
import type { PairResult } from '../../src/lab/matrix.ts';
import { findWay } from '../../src/lab/enclosure.ts';
import { bundle } from '../lab/enclosed.ts';

interface DemoReport {
  readonly ok: boolean;
  readonly store: string;
  readonly hosts: readonly {
    readonly name: string;
    readonly node: string;
    readonly subnet: string;
    readonly address: string;
  }[];
  readonly pairs: readonly PairResult[];
  readonly restart: { readonly sentPings: number; readonly lostPings: number };
  readonly storeDown: {
    readonly seconds: number;
    readonly sentPings: number;
    readonly lostPings: number;
    readonly repairedMs: number;
  };
  readonly failures?: unknown;
}

/** nobody, of every Linux; the bundle is readable for all. */
const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'] as const;
const asRoot = process.getuid?.() === 0;

async function demo(
  before: readonly string[],
  signal: AbortSignal,
): Promise<{ code: number | null; report: DemoReport; told: string }> {
  const words = [...before, process.execPath, bundle(), 'lab', 'demo', '--json'];
  const child = spawn(words[0] ?? '', words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', signal });
  let stdout = '';
  let told = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (told += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  assert.match(last, /^\{"ok":/, told);
  // The report's own form is what this test checks.
  return { code, report: JSON.parse(last) as DemoReport, told };
}

function judge({ code, report, told }: Awaited<ReturnType<typeof demo>>): void {
  assert.equal(code, 0, told);
  assert.equal(report.ok, true);
  assert.equal(report.failures, undefined);
  assert.equal(report.store, 'dynamodb');
  assert.deepEqual(
    report.hosts.map(({ name }) => name),
    ['a1', 'a2', 'b1', 'b2'],
  );
  assert.equal(new Set(report.hosts.map(({ subnet }) => subnet)).size, 4);
  assert.deepEqual(report.pairs.map(({ from, to, path, ok }) => `${from}>${to} ${path} ${ok}`).toSorted(), [
    'a1>a2 direct true',
    'a1>b1 vxlan true',
    'a1>b2 vxlan true',
    'a2>a1 direct true',
    'a2>b1 vxlan true',
    'a2>b2 vxlan true',
    'b1>a1 vxlan true',
    'b1>a2 vxlan true',
    'b1>b2 direct true',
    'b2>a1 vxlan true',
    'b2>a2 vxlan true',
    'b2>b1 direct true',
  ]);
  for (const { sentPings, lostPings } of [report.restart, report.storeDown]) {
    assert.ok(sentPings > 1000, `${sentPings} sent`);
    assert.equal(lostPings, 0);
  }
  assert.ok(report.storeDown.repairedMs > 0);
}

describe('the demo', () => {
  it('plays to its end, with no ping lost', { skip: asRoot ? false : 'needs root' }, async (t) => {
    judge(await demo([], t.signal));
  });

  it('plays as well without root, in a user namespace', async (t) => {
    const why = asRoot ? await refusal(t.signal) : await findWay().then(() => undefined, String);
    if (why !== undefined) return t.skip(why);
    judge(await demo(asRoot ? AS_NOBODY : [], t.signal));
  });
});

/** Why nobody may not make a user namespace here. */
async function refusal(signal: AbortSignal): Promise<string | undefined> {
  const [program, ...args] = [
    ...AS_NOBODY,
    'unshare',
    '--user',
    '--map-root-user',
    '--net',
    '--mount',
    'true',
  ] as const;
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], signal });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words += text));
  const code = await new Promise((resolve) => child.on('close', resolve));
  return code === 0 ? undefined : `an ordinary user may not make user namespaces here: ${words.trim()}`;
}
