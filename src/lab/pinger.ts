/** Pings from inside the lab's namespaces, counted by sequence in a process of its own (pinger-loop.ts). */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Address } from '../core/address.ts';
import { WeftError } from '../core/errors.ts';
import { namespacePath } from './namespaces.ts';
import type { FlowCount, FlowProgress } from './ping-count.ts';
import type { PingAnswer, PingOrder } from './pinger-loop.ts';
import { bareEnvironment } from './program.ts';

export interface FlowPlan {
  /** Namespace to ping from. */
  readonly from: string;
  readonly to: Address;
  readonly intervalMs: number;
  /** Ends by itself after so many. */
  readonly count?: number;
}

interface Waiting {
  readonly resolve: (count: FlowProgress) => void;
  readonly reject: (error: Error) => void;
}

export class Pinger {
  readonly #child: ChildProcess;
  readonly #looks = new Map<number, Waiting[]>();
  readonly #ends = new Map<number, PromiseWithEnds>();
  #last = 0;
  #broken: Error | undefined;

  /** @param executable the bundle, whose hidden command `lab pinger` is the loop. */
  constructor(command: readonly [string, ...string[]]) {
    const [program, ...args] = command;
    this.#child = spawn(program, args, { env: bareEnvironment(), stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#child.stdout === null) throw new Error('the pinger has no stdout');
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(JSON.parse(line) as PingAnswer));
    this.#child.stdin?.on('error', () => {});
    this.#child.on('error', (error) => this.#fail(error));
    this.#child.on('exit', (code, signal) =>
      this.#fail(new WeftError('LAB_FAILED', `the pinger ended with ${signal ?? `exit code ${code}`}`)),
    );
  }

  start(plan: FlowPlan): Flow {
    const number = (this.#last += 1);
    const ends = new PromiseWithEnds();
    this.#ends.set(number, ends);
    if (this.#broken !== undefined) ends.reject(this.#broken);
    const { from, to, intervalMs, count } = plan;
    const order: PingOrder = { op: 'start', flow: number, namespaceFile: namespacePath(from), to, intervalMs };
    this.#order(count === undefined ? order : { ...order, count });
    return {
      plan,
      look: () =>
        new Promise((resolve, reject) => {
          if (this.#broken !== undefined) return reject(this.#broken);
          const waiting = this.#looks.get(number) ?? [];
          this.#looks.set(number, [...waiting, { resolve, reject }]);
          this.#order({ op: 'look', flow: number });
        }),
      stop: () => {
        this.#order({ op: 'stop', flow: number });
        return ends.promise;
      },
      cancel: () => this.#order({ op: 'cancel', flow: number }),
      ended: ends.promise,
    };
  }

  /** A few pings and what became of them. */
  async ping(from: string, to: Address, count: number, intervalMs = 10): Promise<FlowCount> {
    return await this.start({ from, to, intervalMs, count }).ended;
  }

  close(): void {
    this.#broken = new WeftError('LAB_FAILED', 'the pinger was closed');
    this.#child.stdin?.end();
  }

  #order(order: PingOrder): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  #take(answer: PingAnswer): void {
    const { flow } = answer;
    const ends = this.#ends.get(flow);
    if (answer.kind === 'error') ends?.reject(new WeftError('LAB_FAILED', `cannot ping: ${answer.error}`));
    else {
      for (const { resolve } of this.#looks.get(flow) ?? []) resolve(answer.count);
      if (answer.kind === 'end') ends?.resolve(answer.count);
    }
    this.#looks.delete(flow);
    if (answer.kind !== 'look') this.#ends.delete(flow);
  }

  #fail(error: Error): void {
    this.#broken ??= error;
    for (const { reject } of [...this.#looks.values()].flat()) reject(this.#broken);
    for (const ends of this.#ends.values()) ends.reject(this.#broken);
    this.#looks.clear();
    this.#ends.clear();
  }
}

export interface Flow {
  readonly plan: FlowPlan;
  look(): Promise<FlowProgress>;
  /** Sends no more, waits for what is on its way. */
  stop(): Promise<FlowCount>;
  /** Sends no more, and what was on its way is of no interest. */
  cancel(): void;
  readonly ended: Promise<FlowCount>;
}

/** A promise that is settled from outside, and may be so before anybody waits for it. */
class PromiseWithEnds {
  resolve: (count: FlowCount) => void = () => {};
  reject: (error: Error) => void = () => {};
  readonly promise = new Promise<FlowCount>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor() {
    this.promise.catch(() => {});
  }
}
