import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it } from 'node:test';
import type { PairResult } from '../../src/lab/matrix.ts';
import { findWay } from '../../src/lab/enclosure.ts';
import type { StoreKind } from '../../src/lab/store.ts';
import { bundle } from '../lab/enclosed.ts';

interface PingsLost {
  readonly sentPings: number;
  readonly lostPings: number;
}

interface AnyReport {
  readonly ok: boolean;
  readonly store: string;
  readonly hosts: readonly {
    readonly name: string;
    readonly node: string;
    readonly subnet: string;
    readonly address: string;
  }[];
  readonly pairs: readonly PairResult[];
  readonly restart: PingsLost;
  readonly storeDown: PingsLost & { readonly seconds: number; readonly repairedMs: number };
  readonly failures?: unknown;
}

interface BlackholeReport extends AnyReport {
  readonly join: { readonly host: string; readonly ec2Calls: number; readonly tables: number };
  readonly restart: PingsLost & { readonly mutatingEc2Calls: number };
  readonly restartFallenBack: PingsLost & { readonly mutatingEc2Calls: number };
  readonly failover: { readonly lostPings: number; readonly fellBackMs: number; readonly returnedMs: number };
  readonly ec2Calls: Readonly<Record<string, { readonly total: number; readonly mutating: number }>>;
}

interface Played<T> {
  readonly code: number | null;
  readonly report: T;
  readonly told: string;
}

/** nobody, of every Linux; the bundle is readable for all. */
const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'] as const;
const asRoot = process.getuid?.() === 0;

async function demo<T>(before: readonly string[], options: readonly string[], signal: AbortSignal): Promise<Played<T>> {
  const words = [...before, process.execPath, bundle(), 'lab', 'demo', '--json', ...options];
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
  return { code, report: JSON.parse(last) as T, told };
}

/** What holds in every scenario. */
function judge(
  { code, report, told }: Played<AnyReport>,
  store: StoreKind,
  names: readonly string[],
  pairs: readonly string[],
): void {
  assert.equal(code, 0, told);
  assert.equal(report.ok, true);
  assert.equal(report.failures, undefined);
  assert.equal(report.store, store);
  assert.deepEqual(
    report.hosts.map(({ name }) => name),
    names,
  );
  assert.equal(new Set(report.hosts.map(({ subnet }) => subnet)).size, names.length);
  assert.deepEqual(
    report.pairs.map(({ from, to, path, ok }) => `${from}>${to} ${path} ${ok}`).toSorted(),
    pairs.map((pair) => `${pair} true`),
  );
  for (const { sentPings, lostPings } of [report.restart, report.storeDown]) {
    assert.ok(sentPings > 1000, `${sentPings} sent`);
    assert.equal(lostPings, 0);
  }
  assert.ok(report.storeDown.repairedMs > 0);
}

const IN_A_CLOUD = [
  'a1>a2 direct',
  'a1>b1 fabric',
  'a1>o1 vxlan',
  'a2>a1 direct',
  'a2>b1 fabric',
  'a2>o1 vxlan',
  'b1>a1 fabric',
  'b1>a2 fabric',
  'b1>o1 vxlan',
  'o1>a1 vxlan',
  'o1>a2 vxlan',
  'o1>b1 vxlan',
];

function judgeBlackhole(played: Played<BlackholeReport>, store: StoreKind = 'dynamodb'): void {
  judge(played, store, ['a1', 'a2', 'b1', 'o1'], IN_A_CLOUD);
  const { failover, ec2Calls, join, restart, restartFallenBack } = played.report;
  assert.ok(failover.lostPings > 0, 'a black hole swallows pings');
  assert.ok(failover.fellBackMs > 0 && failover.fellBackMs <= 5000, `fell back after ${failover.fellBackMs} ms`);
  assert.ok(failover.returnedMs > 0 && failover.returnedMs <= 15_000, `returned after ${failover.returnedMs} ms`);
  assert.equal(restartFallenBack.lostPings, 0);
  assert.deepEqual([restart.mutatingEc2Calls, restartFallenBack.mutatingEc2Calls], [0, 0]);
  assert.ok(join.ec2Calls > 0 && join.ec2Calls <= 5 + join.tables, `${join.ec2Calls} calls to join`);
  assert.deepEqual(Object.keys(ec2Calls), ['a1', 'a2', 'b1', 'o1']);
  assert.deepEqual(ec2Calls['o1'], { total: 0, mutating: 0 });
  // The check of the interface switched off, and a route into the other subnet's table.
  for (const name of ['a1', 'a2', 'b1']) assert.equal(ec2Calls[name]?.mutating, 2, name);
}

describe('the demo', () => {
  it('falls from dead cloud routes to a tunnel and returns', { skip: asRoot ? false : 'needs root' }, async (t) => {
    judgeBlackhole(await demo([], [], t.signal));
  });

  it('is the same on etcd', { skip: asRoot ? false : 'needs root' }, async (t) => {
    judgeBlackhole(await demo([], ['--store', 'etcd'], t.signal), 'etcd');
  });

  it('plays as well without root, in a user namespace', async (t) => {
    const why = asRoot ? await refusal(t.signal) : await findWay().then(() => undefined, String);
    if (why !== undefined) return t.skip(why);
    judgeBlackhole(await demo(asRoot ? AS_NOBODY : [], [], t.signal));
  });

  it('shows hosts without a cloud too, with no ping lost', { skip: asRoot ? false : 'needs root' }, async (t) => {
    const played = await demo<AnyReport>([], ['--scenario', 'first-light'], t.signal);
    judge(
      played,
      'dynamodb',
      ['a1', 'a2', 'b1', 'b2'],
      [
        'a1>a2 direct',
        'a1>b1 vxlan',
        'a1>b2 vxlan',
        'a2>a1 direct',
        'a2>b1 vxlan',
        'a2>b2 vxlan',
        'b1>a1 vxlan',
        'b1>a2 vxlan',
        'b1>b2 direct',
        'b2>a1 vxlan',
        'b2>a2 vxlan',
        'b2>b1 direct',
      ],
    );
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
