/** Every story about one fault of the cloud, or of the store, plays to its end, and all that it expects holds. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it } from 'node:test';
import { findWay } from '../../src/lab/enclosure.ts';
import type { PairResult } from '../../src/lab/matrix.ts';
import type { StoreKind } from '../../src/lab/store.ts';
import { bundle } from '../lab/enclosed.ts';

interface ScenarioReport {
  readonly ok: boolean;
  readonly checks: number;
  readonly pairs: readonly PairResult[];
  readonly failures?: unknown;
}

interface CloudReport extends ScenarioReport {
  readonly ec2Calls: Readonly<Record<string, { readonly total: number; readonly mutating: number }>>;
}

interface TerminateReport extends CloudReport {
  readonly terminate: { readonly routesGoneMs: number; readonly leaseGoneMs: number; readonly lostPings: number };
}

interface ScaleInReport extends CloudReport {
  readonly scaleIn: {
    readonly movedMs: number;
    readonly routeGoneMs: number;
    readonly letGoMs: number;
    readonly lostToLeaver: number;
    readonly sentToLeaver: number;
    readonly lostPings: number;
  };
}

interface StoreReport extends ScenarioReport {
  readonly store: string;
  readonly storeKilled: { readonly seconds: number; readonly sentPings: number; readonly lostPings: number };
}

const NAMES = ['quota-full', 'denied', 'throttled', 'conflict', 'src-dst-check', 'slow-visibility', 'reconciler'];

async function play<T extends ScenarioReport>(name: string, store: StoreKind, signal: AbortSignal): Promise<T> {
  const words = [bundle(), 'lab', 'demo', '--scenario', name, '--store', store, '--json'];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', signal });
  let stdout = '';
  let told = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (told += text));
  const ending = await new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, by) => resolve(by ?? `exit code ${code}`));
  });
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  assert.match(last, /^\{"ok":/, `${ending}\n${told}`);
  assert.equal(ending, 'exit code 0', told);
  // The report's own form is what this test checks.
  return judged(JSON.parse(last) as T);
}

function judged<T extends ScenarioReport>(report: T): T {
  const { ok, checks, pairs, failures } = report;
  assert.deepEqual([ok, failures], [true, undefined]);
  assert.ok(checks >= 10, `${checks} checks`);
  assert.ok(pairs.length >= 6 && pairs.every((pair) => pair.ok));
  return report;
}

/** As root it must run. */
const whyNot = async (store: StoreKind): Promise<string | undefined> =>
  process.getuid?.() === 0 ? undefined : await findWay(store).then(() => undefined, String);

// Mostly they wait, so two at a time; more would starve each other's probes on a small machine.
describe('the scenario', { concurrency: 2 }, () => {
  // The longest first: nobody else is left to play beside it at the end.
  it('store-killed plays to its end on etcd: 30 s without it cost no packet and no lease', async (t) => {
    const why = await whyNot('etcd');
    if (why !== undefined) return t.skip(why);
    const { store, storeKilled } = await play<StoreReport>('store-killed', 'etcd', t.signal);
    assert.equal(store, 'etcd');
    assert.ok(storeKilled.seconds >= 29, `${storeKilled.seconds} s`);
    assert.ok(storeKilled.sentPings >= 4 * 6000, `${storeKilled.sentPings} sent`);
    assert.equal(storeKilled.lostPings, 0);
  });

  for (const name of NAMES) {
    it(`${name} plays to its end, and all that it expects holds`, async (t) => {
      const why = await whyNot('dynamodb');
      if (why !== undefined) return t.skip(why);
      const { pairs, ec2Calls } = await play<CloudReport>(name, 'dynamodb', t.signal);
      assert.equal(Object.keys(ec2Calls).length, new Set(pairs.map(({ from }) => from)).size);
    });
  }

  it('terminate plays to its end: routes, tunnels and lease of a terminated instance go, and its subnet comes back after the quarantine', async (t) => {
    const why = await whyNot('dynamodb');
    if (why !== undefined) return t.skip(why);
    const { terminate } = await play<TerminateReport>('terminate', 'dynamodb', t.signal);
    assert.equal(terminate.lostPings, 0);
  });

  it('scale-in plays to its end: an instance is let go when nobody sends to it any more, and no ping is lost while its senders leave it', async (t) => {
    const why = await whyNot('dynamodb');
    if (why !== undefined) return t.skip(why);
    const { scaleIn } = await play<ScaleInReport>('scale-in', 'dynamodb', t.signal);
    assert.deepEqual([scaleIn.lostToLeaver, scaleIn.lostPings], [0, 0]);
    assert.ok(scaleIn.sentToLeaver > 0);
    const { movedMs, routeGoneMs, letGoMs } = scaleIn;
    assert.ok(movedMs < routeGoneMs && routeGoneMs <= letGoMs, JSON.stringify(scaleIn));
  });
});
