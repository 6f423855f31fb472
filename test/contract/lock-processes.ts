/** The lock between processes with clocks, pauses and deaths of their own, on each real store. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { createInterface } from 'node:readline';

const PROGRAM = path.join(import.meta.dirname, 'lock-program.js');

/** @param makeStore the URL of a fresh network, and for DynamoDB where it is */
export function lockProcesses(makeStore: () => Promise<{ readonly url: string; readonly endpoint?: string }>): void {
  const test = (
    name: string,
    work: (start: (leaseMs: number, rounds: number) => Racer, file: string) => Promise<void>,
  ): void => {
    it(name, async () => {
      const { url, endpoint = '' } = await makeStore();
      const folder = mkdtempSync(path.join(os.tmpdir(), 'weft-lock-'));
      const file = path.join(folder, 'acts');
      const racers: Racer[] = [];
      try {
        await work((leaseMs, rounds) => {
          const racer = new Racer([url, String(leaseMs), file, String(rounds), endpoint]);
          racers.push(racer);
          return racer;
        }, file);
      } finally {
        for (const { child } of racers) child.kill('SIGKILL');
        // Whoever is at work in the folder makes its file anew.
        await Promise.all(racers.map(({ ended }) => ended));
        rmSync(folder, { recursive: true });
      }
    });
  };

  test('four processes that race for the lock never hold it at once', async (start) => {
    const racers = Array.from({ length: 4 }, () => start(30_000, 4));
    assert.deepEqual(await Promise.all(racers.map(({ ended }) => ended)), [0, 0, 0, 0]);
  });

  test('a process that is stopped loses it to another, and knows it when it goes on', async (start, file) => {
    const a = start(4000, 0);
    assert.equal(await a.says(), 'held');
    const b = start(4000, 0);
    a.child.kill('SIGSTOP');
    assert.equal(await b.says(), 'held');
    a.child.kill('SIGCONT');
    assert.equal(await a.says(), 'lost true');
    assert.equal(await a.ended, 0);

    // It did not take with it what is another's now; and what dies without a word is taken over too.
    const c = start(4000, 0);
    b.child.kill('SIGKILL');
    assert.equal(await c.says(), 'held');

    // Whoever was certain to hold it was so before the next one was.
    const acts = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
    const times = ([a, b, c] as const).map(({ child }) =>
      acts.flatMap(([owner, at]) => (owner === `p${child.pid}` ? Number(at) : [])),
    );
    for (const [index, mine] of times.entries()) {
      const before = times[index - 1] ?? [];
      assert.ok(Math.min(...mine) > Math.max(-Infinity, ...before), `process ${index}`);
    }
    assert.ok(times[0]?.length !== 0 && times[1]?.length !== 0);
  });
}

class Racer {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly #lines: AsyncIterator<string>;

  constructor(words: readonly string[]) {
    const child = spawn(process.execPath, [PROGRAM, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.child = child;
    this.ended = once(child, 'exit').then(([code]: unknown[]) => (typeof code === 'number' ? code : null));
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async says(): Promise<string | undefined> {
    const { done, value } = await this.#lines.next();
    return done === true ? undefined : value;
  }
}
