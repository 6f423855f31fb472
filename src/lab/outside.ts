/** The command that a person started: puts the lab into namespaces of its own, prints what it says, and ends it. */
import { spawn } from 'node:child_process';
import os from 'node:os';
import { Duplex } from 'node:stream';
import { enclosed, findWay } from './enclosure.ts';
import { describeTerminals, follow, TERMINALS_VARIABLE } from './lifeline.ts';
import { searchPath } from './program.ts';
import type { StoreKind } from './store.ts';
import type { LabIo } from './terminal.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** @param args of `weftd lab inside`. Resolves with the exit code when the lab has ended or goes on by itself. */
export async function startInside(args: readonly string[], store: StoreKind, io: LabIo): Promise<number> {
  const way = await findWay(store);
  const weftd = [process.execPath, ...process.execArgv, io.executable];
  const [program, ...words] = enclosed(way, [...weftd, 'lab', 'inside', ...args]);
  const child = spawn(program, words, {
    // In a session of its own: a terminal's Ctrl-C comes to us alone, and a kept lab outlives the terminal.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: {
      ...io.env,
      PATH: searchPath(io.env['PATH']),
      [TERMINALS_VARIABLE]: describeTerminals(io.stdout, io.stderr),
    },
  });
  const exited = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (signal !== null) io.stderr.write(`weftd lab: the lab was ended by ${signal}\n`);
      resolve(code ?? 1);
    });
  });
  // Nothing is written there but what goes wrong before or beside the lifeline.
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => io.stderr.write(text));
  }
  const lifeline = child.stdio[3];
  if (!(lifeline instanceof Duplex)) throw new Error('the lifeline is no pipe');

  let stoppedBy: (typeof SIGNALS)[number] | undefined;
  const stop = (signal: (typeof SIGNALS)[number]): void => {
    // The lab ends when it notices; who asks twice does not wait for that.
    if (stoppedBy !== undefined) child.kill('SIGKILL');
    stoppedBy = signal;
    lifeline.destroy();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    const kept = await follow(lifeline, io.stdout, io.stderr);
    if (kept === undefined) {
      const code = await exited;
      return stoppedBy === undefined ? code : 128 + os.constants.signals[stoppedBy];
    }
    for (const stream of [child.stdout, child.stderr, lifeline]) stream?.destroy();
    child.unref();
    return kept;
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
    if (stoppedBy !== undefined) io.stderr.write('\nweftd lab: stopped, nothing is left\n');
  }
}
