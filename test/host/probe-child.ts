/**
 * One host of the probe tests: a process in a network namespace of its own that is told over its input what to do and says over its output what came of it, a line of
 * JSON each. Probes live in a worker that belongs to its process's namespace, so two hosts are two processes.
 */
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import type { ProbePeer, ProbeSelf, ProbeTarget } from '../../src/contracts/path-probe.ts';
import type { HostEntry } from '../../src/core/host-entry.ts';
import type { Subnet } from '../../src/core/subnet.ts';
import { LinuxHost } from '../../src/host/linux-host.ts';

export type ChildOrder =
  | { readonly kind: 'put'; readonly entries: readonly HostEntry[] }
  | { readonly kind: 'remove'; readonly entries: readonly HostEntry[] }
  | { readonly kind: 'listen'; readonly self: ProbeSelf }
  | { readonly kind: 'serve'; readonly peers: readonly ProbePeer[] }
  | { readonly kind: 'ask'; readonly target: ProbeTarget }
  | { readonly kind: 'active' }
  /** Waits for other traffic than this. */
  | { readonly kind: 'traffic'; readonly known: readonly Subnet[] | null; readonly everyMs: number }
  | { readonly kind: 'forget' }
  | { readonly kind: 'packet'; readonly from: string; readonly to: string; readonly text: string }
  /** Sends all of these, and yields what has come back when the answer to the last has. */
  | { readonly kind: 'exchange'; readonly from: string; readonly to: string; readonly packets: readonly string[] };

const host = new LinuxHost();
const probe = host.probe(process.env['WEFT_TEST_PROBE_KEY'] ?? '', 'abcd0123');
const signal = new AbortController().signal;
const say = (words: unknown): void => void process.stdout.write(`${JSON.stringify(words)}\n`);

async function obey(order: ChildOrder): Promise<unknown> {
  switch (order.kind) {
    case 'put':
    case 'remove': {
      const changes = order.entries.map((entry) =>
        order.kind === 'put' ? ({ op: 'put', want: entry } as const) : ({ op: 'remove', was: entry } as const),
      );
      const failed = (await host.apply(changes, signal)).flatMap(({ error }) => error?.message ?? []);
      if (failed.length > 0) throw new Error(failed.join('; '));
      return undefined;
    }
    case 'listen':
      return probe.listen(order.self, signal);
    case 'serve':
      return probe.serve(order.peers);
    case 'ask':
      return probe.ask(order.target);
    case 'active':
    case 'traffic': {
      const known =
        order.kind === 'traffic' ? { active: activeOf(order.known), everyMs: () => order.everyMs } : undefined;
      const active = await probe.active(known, signal);
      return active === undefined ? null : [...active];
    }
    case 'forget':
      return probe.forget(signal);
    case 'packet':
      return send(order);
    case 'exchange':
      return exchange(order);
  }
}

const activeOf = (subnets: readonly Subnet[] | null): ReadonlySet<Subnet> | undefined =>
  subnets === null ? undefined : new Set(subnets);

/** Sequence of a request or an answer, in hexadecimal. */
const sequenceOf = (hex: string): string => hex.slice(48, 56);

function exchange({ from, to, packets }: Extract<ChildOrder, { kind: 'exchange' }>): Promise<readonly string[]> {
  const socket = createSocket('udp4');
  const answers: string[] = [];
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    const late = setTimeout(() => reject(new Error(`the last is not answered; answers: ${answers.join(' ')}`)), 10_000);
    socket.on('message', (message) => {
      answers.push(message.toString('hex'));
      if (sequenceOf(answers.at(-1) ?? '') !== sequenceOf(packets.at(-1) ?? '')) return;
      clearTimeout(late);
      socket.close();
      resolve(answers);
    });
    socket.bind(0, from, () => {
      for (const packet of packets) socket.send(Buffer.from(packet, 'hex'), 8286, to);
    });
  });
}

function send({ from, to, text }: Extract<ChildOrder, { kind: 'packet' }>): Promise<void> {
  const socket = createSocket('udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, from, () =>
      socket.send(Buffer.from(text), 9, to, (error) => {
        socket.close();
        if (error === null) resolve();
        else reject(error);
      }),
    );
  });
}

async function readOutcomes(): Promise<void> {
  for await (const outcomes of probe.outcomes(signal)) for (const outcome of outcomes) say({ outcome });
}

const fail = (error: unknown): { error: { code: unknown; message: string } } => ({
  error: {
    code: error instanceof Error && 'code' in error ? error.code : undefined,
    message: error instanceof Error ? error.message : String(error),
  },
});

say({ key: probe.key });
void readOutcomes();
let before: Promise<unknown> = Promise.resolve();
for await (const line of createInterface({ input: process.stdin })) {
  const { id, order } = JSON.parse(line) as { id: number; order: ChildOrder };
  // In the order told, but for what waits for something that another may bring about.
  const waits = order.kind === 'exchange' || order.kind === 'traffic';
  const work = waits ? obey(order) : before.then(() => obey(order));
  const told = work.then((result) => say({ id, result })).catch((error: unknown) => say({ id, ...fail(error) }));
  if (!waits) before = told;
}
