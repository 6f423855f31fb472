/** Runs a benchmark inside namespaces of the lab's kind: its file starts itself anew there, as root or as an ordinary user. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { enclosed, findWay } from '../../src/lab/enclosure.ts';
import { settleIn } from '../../src/lab/inside.ts';
import { searchPath } from '../../src/lab/program.ts';

const INSIDE = 'WEFT_BENCH_INSIDE';

/** @param url the benchmark's own `import.meta.url`. What is left running inside ends with `work`. */
export async function insideLab(url: string, work: () => Promise<void>): Promise<void> {
  const file = fileURLToPath(url);
  if (process.env[INSIDE] !== undefined) {
    await settleIn(file);
    await work();
    process.exit();
  }
  const [program, ...args] = enclosed(await findWay(), [process.execPath, '--enable-source-maps', file]);
  const env = { ...process.env, [INSIDE]: '1', PATH: searchPath(process.env['PATH']) };
  const child = spawn(program, args, { env, stdio: 'inherit' });
  // unshare takes its first process with it; a signal that ends this one alone would leave both behind.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
}
