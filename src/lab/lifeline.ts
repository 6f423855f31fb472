/**
 * Between the command that a person started and the lab inside its namespaces. What the lab prints goes out through it, in order; when the person's
 * end closes, whatever the reason, the lab ends.
 */
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import type { Terminal } from './terminal.ts';

/** Descriptor of the lifeline in the lab's first process. */
export const LIFELINE_FD = 3;
/** What both ends look like: {"stdout":{"isTTY":true,"columns":80},...} in the environment of the lab. */
export const TERMINALS_VARIABLE = 'WEFT_LAB_TERMINALS';

type Look = Pick<Terminal, 'isTTY' | 'columns'>;
type Frame = { readonly to: 'stdout' | 'stderr'; readonly text: string } | { readonly kept: number };

export function describeTerminals(stdout: Terminal, stderr: Terminal): string {
  const look = ({ isTTY, columns }: Terminal): Look => ({ isTTY: isTTY === true, columns });
  return JSON.stringify({ stdout: look(stdout), stderr: look(stderr) });
}

/** The lab's end. */
export class Lifeline {
  readonly #socket = new Socket({ fd: LIFELINE_FD });
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  #letGo = false;

  constructor(terminals: string | undefined) {
    const looks = JSON.parse(terminals ?? '{}') as Partial<Record<'stdout' | 'stderr', Look>>;
    this.stdout = { ...looks.stdout, write: (text) => this.#send({ to: 'stdout', text }) };
    this.stderr = { ...looks.stderr, write: (text) => this.#send({ to: 'stderr', text }) };
    // A person who is gone reads nothing more: no reason to fail.
    this.#socket.on('error', () => {});
    // Reading is how the end is noticed; nothing is ever sent this way.
    this.#socket.resume();
  }

  onLost(lost: () => void): void {
    this.#socket.on('close', () => {
      if (!this.#letGo) lost();
    });
  }

  /** The person's command ends with this exit code; the lab goes on without it. */
  keep(exitCode: number): void {
    this.#letGo = true;
    this.#send({ kept: exitCode });
  }

  /** All is said. */
  async close(): Promise<void> {
    this.#letGo = true;
    await new Promise<void>((resolve) => this.#socket.end(resolve));
    this.#socket.destroy();
  }

  #send(frame: Frame): void {
    this.#socket.write(`${JSON.stringify(frame)}\n`);
  }
}

/** The person's end: prints what comes. Resolves when the lab closes it (undefined) or is to be left running (the exit code). */
export function follow(stream: Duplex, stdout: Terminal, stderr: Terminal): Promise<number | undefined> {
  return new Promise((resolve) => {
    stream.on('error', () => {});
    // Not readline's own end: a stream that we destroy has a close and no end.
    stream.on('close', () => resolve(undefined));
    createInterface({ input: stream }).on('line', (line) => {
      const frame = JSON.parse(line) as Frame;
      if ('kept' in frame) resolve(frame.kept);
      else if (frame.to === 'stdout') stdout.write(frame.text);
      else stderr.write(frame.text);
    });
  });
}
