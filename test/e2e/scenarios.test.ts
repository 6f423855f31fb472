/** Every story about one fault of the cloud plays to its end, and all that it expects holds. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it } from 'node:test';
import { findWay } from '../../src/lab/enclosure.ts';
import type { PairResult } from '../../src/lab/matrix.ts';
import { bundle } from '../lab/enclosed.ts';

interface ScenarioReport {
  readonly ok: boolean;
  readonly checks: number;
  readonly pairs: readonly PairResult[];
  readonly ec2Calls: Readonly<Record<string, { readonly total: number; readonly mutating: number }>>;
  readonly failures?: unknown;
}

const NAMES = ['quota-full', 'denied', 'throttled', 'conflict', 'src-dst-check', 'slow-visibility'];

async function play(name: string, signal: AbortSignal): Promise<ScenarioReport> {
  const words = [bundle(), 'lab', 'demo', '--scenario', name, '--json'];
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
  return JSON.parse(last) as ScenarioReport;
}

// Mostly they wait, so two at a time; more would starve each other's probes on a small machine.
describe('the scenario', { concurrency: 2 }, () => {
  for (const name of NAMES) {
    it(`${name} plays to its end, and all that it expects holds`, async (t) => {
      const why = process.getuid?.() === 0 ? undefined : await findWay().then(() => undefined, String);
      if (why !== undefined) return t.skip(why);
      const { ok, checks, pairs, ec2Calls, failures } = await play(name, t.signal);
      assert.deepEqual([ok, failures], [true, undefined]);
      assert.ok(checks >= 10, `${checks} checks`);
      assert.ok(pairs.length >= 6 && pairs.every((pair) => pair.ok));
      assert.equal(Object.keys(ec2Calls).length, new Set(pairs.map(({ from }) => from)).size);
    });
  }
});
