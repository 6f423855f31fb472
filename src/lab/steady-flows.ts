/** Pings that go on while something happens, to count what it costs. */
import { eventually } from './eventually.ts';
import type { Lab } from './lab.ts';
import type { LabHost } from './lab-host.ts';
import type { FlowProgress } from './ping-count.ts';
import type { Flow } from './pinger.ts';

/** Every flow's own; a host's pings in one direction show both, since the answer must come back. */
export const INTERVAL_MS = 5;
/** Beyond the time that the pings take: on a busy machine they are late. */
const PATIENCE_MS = 30_000;

export interface Loss {
  readonly sentPings: number;
  readonly lostPings: number;
  /** Of the lost ones: answered all the same, when it was too late. */
  readonly latePings: number;
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

  /**
   * Waits until each flow has sent this many more.
   * @param onLook `412 pings, 0 lost`, of all of them so far
   */
  async more(pings: number, signal: AbortSignal, onLook: (text: string) => void = () => {}): Promise<void> {
    const look = (): Promise<readonly FlowProgress[]> => Promise.all(this.#flows.map(({ flow }) => flow.look()));
    const from = await look();
    await eventually(
      `each of ${this.#flows.map(({ name }) => name).join(', ')} sends ${pings} pings`,
      2 * pings * INTERVAL_MS + PATIENCE_MS,
      async () => {
        const now = await look();
        const total = (of: 'sent' | 'lost'): number => now.reduce((sum, count) => sum + count[of], 0);
        onLook(`${total('sent')} pings, ${total('lost')} lost`);
        const fewest = Math.min(...now.map(({ sent }, i) => sent - (from[i]?.sent ?? 0)));
        return fewest >= pings ? { found: true } : { missing: `${fewest} so far` };
      },
      signal,
    );
  }

  async stop(): Promise<Loss> {
    const counts = await Promise.all(
      this.#flows.map(async ({ flow, ...names }) => ({ ...names, ...(await flow.stop()) })),
    );
    return {
      sentPings: counts.reduce((sum, { sent }) => sum + sent, 0),
      lostPings: counts.reduce((sum, { lost }) => sum + lost, 0),
      latePings: counts.reduce((sum, { late }) => sum + late, 0),
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
