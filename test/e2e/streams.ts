/** TCP streams that live through what happens to paths, or break and say so. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../src/lab/eventually.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { insideOf } from '../../src/lab/namespaces.ts';
import { never } from './cluster.ts';

/** So much more than before, taken by the other end, and told back, proves that both ways go on. */
const FURTHER_BYTES = 200_000;
/** TCP doubles its patience with each loss: after some seconds without a path it may wait as long again. */
const WITHIN_MS = 15_000;

/** One end, as a program in a namespace. */
export class End {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(namespace: string, program: string, ...words: readonly string[]) {
    const file = fileURLToPath(new URL(program, import.meta.url));
    const [executable, ...args] = insideOf(namespace, [process.execPath, file, ...words]);
    this.#child = spawn(executable, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    assert.notEqual(done, true, 'the stream has broken');
    return value;
  }

  async ask(): Promise<string> {
    this.#child.stdin.write('\n');
    return await this.line();
  }

  finish(): void {
    this.#child.stdin.end();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

export class Stream {
  readonly #server: End;
  readonly #client: End;

  private constructor(server: End, client: End) {
    this.#server = server;
    this.#client = client;
  }

  /** @param from a namespace: a container's or a host's own. To the first container of `to`. */
  static async open(from: string, to: LabHost, port: number): Promise<Stream> {
    const server = new End(to.container.name, 'tcp-stream.js', 'serve', String(port));
    assert.equal(await server.line(), 'ready');
    const client = new End(from, 'tcp-stream.js', 'send', to.container.address, String(port));
    assert.equal(await client.line(), 'ready');
    return new Stream(server, client);
  }

  /** Waits until more has come over, both ways. */
  async goesOn(): Promise<void> {
    const before = Number(await this.#client.ask());
    await eventually(
      'the stream goes on',
      WITHIN_MS,
      async () => {
        const more = Number(await this.#client.ask()) - before;
        return more >= FURTHER_BYTES ? { found: true } : { missing: `${more} bytes more than ${before}` };
      },
      never,
    );
  }

  /** Ends it: every byte that was sent has come, over the one connection. */
  async whole(): Promise<void> {
    this.#client.finish();
    const [sent, taken] = await Promise.all([this.#client.line(), this.#server.line()]);
    assert.equal(taken, sent);
    assert.ok(Number(sent.split(' ')[0]) > FURTHER_BYTES, sent);
  }

  /** Where a test has failed before its end, the ends would keep it alive. */
  kill(): void {
    this.#server.kill();
    this.#client.kill();
  }
}
