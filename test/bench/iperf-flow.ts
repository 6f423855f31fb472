/**
 * A transfer of iperf3 from one container to another that runs in slices: between two of them its sender is stopped by a signal. So many flows can stand
 * ready, and take turns every few hundredths of a second.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Container } from '../../src/lab/container.ts';
import { eventually } from '../../src/lab/eventually.ts';
import { LAB_FOLDER } from '../../src/lab/inside.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { tail, type LabProcess } from '../../src/lab/lab-process.ts';
import { listens, namespacePath } from '../../src/lab/namespaces.ts';
import { UPLINK } from '../../src/lab/world.ts';
import { inNetworkNamespace } from '../../src/native/network-namespace.ts';

/** Of one TCP stream, and of UDP with 64 bytes in a packet as fast as the sender can. */
const WORDS = { stream: [], packets: ['--udp', '--length', '64', '--bitrate', '0'] } as const;
export type Kind = keyof typeof WORDS;

/** Sender and receiver each have a core: where the scheduler puts both on one, a stream moves half as much. */
const CORES = { sender: '0', receiver: '1' };
const SLICE_MS = 50;
/** What is on its way when the sender stops arrives within this. */
const DRAIN_MS = 4;
const UNDER_WAY = 1000;
const LONGER_THAN_ANY_BENCHMARK_S = '3600';

export interface Slice {
  /** Bytes (stream) or packets that arrived in the receiving container. */
  readonly moved: number;
  readonly ms: number;
  /** Of a core, by the busier end: sender or receiver. */
  readonly busyMs: number;
}

export class Flow {
  readonly #to: Container;
  readonly #kind: Kind;
  readonly #sender: LabProcess;
  readonly #receiver: LabProcess;

  private constructor(to: Container, kind: Kind, sender: LabProcess, receiver: LabProcess) {
    this.#to = to;
    this.#kind = kind;
    this.#sender = sender;
    this.#receiver = receiver;
  }

  /** Its connection stands; nothing moves yet. @param port of the receiver, another one for each flow to a container */
  static async open(lab: Lab, kind: Kind, from: Container, to: Container, port: number): Promise<Flow> {
    const never = new AbortController().signal;
    const start = (role: 'sender' | 'receiver', { name }: Container, words: readonly string[]): LabProcess => {
      const command = ['iperf3', '--port', String(port), '--affinity', CORES[role], ...words];
      const logFile = path.join(LAB_FOLDER, `iperf3-${name}-${port}.log`);
      return lab.start({ name: `iperf3 ${role} in ${name}`, namespace: name, command, logFile });
    };
    const receiver = start('receiver', to, ['--server']);
    const look = () => (listens(to.name, port) ? { found: true } : { missing: tail(receiver, 3).join('\n') });
    await eventually(`iperf3 listens in ${to.name}`, 5000, look, never);
    const time = ['--time', LONGER_THAN_ANY_BENCHMARK_S, '--interval', '0'];
    const sender = start('sender', from, ['--client', to.address, ...time, ...WORDS[kind]]);
    const flow = new Flow(to, kind, sender, receiver);
    const before = flow.#moved();
    const moves = () =>
      flow.#moved() > before + UNDER_WAY ? { found: true } : { missing: tail(sender, 3).join('\n') };
    await eventually(`packets move from ${from.name} to ${to.name}`, 5000, moves, never);
    sender.kill('SIGSTOP');
    return flow;
  }

  async slice(): Promise<Slice> {
    const [moved, sending, receiving] = [this.#moved(), busyMs(this.#sender), busyMs(this.#receiver)];
    const start = performance.now();
    this.#sender.kill('SIGCONT');
    await wait(SLICE_MS);
    this.#sender.kill('SIGSTOP');
    const ms = performance.now() - start;
    await wait(DRAIN_MS);
    for (const { name, ending } of [this.#sender, this.#receiver])
      if (ending !== undefined) throw new Error(`${name} ended with ${ending}`);
    const busy = Math.max(busyMs(this.#sender) - sending, busyMs(this.#receiver) - receiving);
    return { moved: this.#moved() - moved, ms, busyMs: busy };
  }

  async close(): Promise<void> {
    for (const end of [this.#sender, this.#receiver]) end.kill('SIGKILL');
    await Promise.all([this.#sender.ended, this.#receiver.ended]);
  }

  /** By the counters of the container's device, proc_pid_net(5): bytes and packets that it has received. */
  #moved(): number {
    const text = inNetworkNamespace(namespacePath(this.#to.name), () =>
      readFileSync('/proc/thread-self/net/dev', 'utf8'),
    );
    const [, bytes, packets] = new RegExp(`${UPLINK}:\\s*(\\d+)\\s+(\\d+)`).exec(text) ?? [];
    return Number(this.#kind === 'stream' ? bytes : packets);
  }
}

/**
 * Time on a core, what the kernel did in softirqs on the back of it included (Documentation/scheduler/sched-stats.rst: schedstat, the first number, in ns).
 * Of all threads.
 */
export function busyMs({ pid }: LabProcess): number {
  const folder = `/proc/${pid ?? 0}/task`;
  const times = readdirSync(folder).map((thread) => readFileSync(path.join(folder, thread, 'schedstat'), 'utf8'));
  return times.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1e6;
}
