/** Pings that go on while something happens, to count what it costs. */
import { eventually } from './eventually.ts';
import type { Lab } from './lab.ts';
import type { LabHost } from './lab-host.ts';
import type { Flow } from './pinger.ts';

/** Every flow's own; a host's pings in one direction show both, since the answer must come back. */
const INTERVAL_MS = 5;

export interface Loss {
  readonly sentPings: number;
  readonly lostPings: number;
  /** The longest time between two pings of one flow, on average over the whole: what a loss shorter than it could hide in. */
  readonly intervalMs: number;
  /** `a1>b1: 3 of 412` for each flow that lost any. */
  readonly losers: readonly string[];
  readonly flows: readonly FlowLoss[];
}

export interface FlowLoss {
  /** Names of hosts. */
  readonly from: string;
  readonly to: string;
  readonly sent: number;
  readonly lost: number;
  /** The longest stretch without an answer. */
  readonly outageMs: number;
}

export class SteadyFlows {
  readonly #flows: readonly {
    readonly from: string;
    readonly to: string;
    readonly name: string;
    readonly flow: Flow;
  }[];

  /** @param pairs names of hosts: from, to. */
  constructor(lab: Lab, pairs: readonly (readonly [from: string, to: string])[]) {
    this.#flows = pairs.map(([from, to]) => ({
      from,
      to,
      name: `${from}>${to}`,
      flow: lab.pinger.start(flowPlan(lab.host(from), lab.host(to))),
    }));
  }

  /** `412 pings, 0 lost`, so far. */
  async describe(): Promise<string> {
    const counts = await Promise.all(this.#flows.map(({ flow }) => flow.look()));
    const total = (of: 'sent' | 'lost'): number => counts.reduce((sum, count) => sum + count[of], 0);
    return `${total('sent')} pings, ${total('lost')} lost`;
  }

  /** Waits until each flow has sent this many more. */
  async more(pings: number, signal: AbortSignal, onLook: (text: string) => void = () => {}): Promise<void> {
    await Promise.all(
      this.#flows.map(async ({ name, flow }) => {
        const from = (await flow.look()).sent;
        await eventually(
          `${name} sends ${pings} pings`,
          30_000,
          async () => {
            const { sent } = await flow.look();
            onLook(await this.describe());
            return sent - from >= pings ? { found: true } : { missing: `${sent - from} so far` };
          },
          signal,
        );
      }),
    );
  }

  async stop(): Promise<Loss> {
    const counts = await Promise.all(
      this.#flows.map(async ({ flow, ...names }) => ({ ...names, ...(await flow.stop()) })),
    );
    return {
      sentPings: counts.reduce((sum, { sent }) => sum + sent, 0),
      lostPings: counts.reduce((sum, { lost }) => sum + lost, 0),
      intervalMs: Math.max(...counts.map(({ sent, elapsedMs }) => elapsedMs / Math.max(1, sent - 1))),
      losers: counts.filter(({ lost }) => lost > 0).map(({ name, lost, sent }) => `${name}: ${lost} of ${sent}`),
      flows: counts.map(({ from, to, sent, lost, outageMs }) => ({ from, to, sent, lost, outageMs })),
    };
  }
}

const flowPlan = (from: LabHost, to: LabHost) => ({
  from: from.container.name,
  to: to.container.address,
  intervalMs: INTERVAL_MS,
});
