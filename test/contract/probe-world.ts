/** What the suite of PathProbe needs: two hosts, `near` and `far`, with the paths direct and vxlan between them. */
import assert from 'node:assert/strict';
import type { PathProbe, ProbeOutcome, ProbePeer, ProbeSelf, ProbeTarget } from '../../src/contracts/path-probe.ts';
import { parseAddress } from '../../src/core/address.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import type { PathName } from '../../src/core/path.ts';
import { baseOf, parseSubnet, type Subnet } from '../../src/core/subnet.ts';

export type Side = 'near' | 'far';
export const PATHS = ['direct', 'vxlan'] as const;

export interface ProbeWorld {
  readonly near: PathProbe;
  readonly far: PathProbe;
  /** From now on this path carries nothing from this side to the other. Not retroactive: what is under way arrives. */
  cut(from: Side, path: PathName): Promise<void>;
  mend(from: Side, path: PathName): Promise<void>;
  /** One packet from a container of this side to one of the other. */
  traffic(from: Side): Promise<void>;
  /** Time in which an answer is sure to come, or a second request to be a later one. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

export const SUBNETS: Readonly<Record<Side, Subnet>> = {
  near: parseSubnet('10.42.1.0/24'),
  far: parseSubnet('10.42.2.0/24'),
};
export const HOSTS: Readonly<Record<Side, string>> = { near: '192.168.7.1', far: '192.168.7.2' };
export const NETWORK = '10.42.0.0/16';
export const VXLAN = { name: 'weft.1', port: 8472 };
export const PORT = 8286;
export const otherOf = (side: Side): Side => (side === 'near' ? 'far' : 'near');
export const never = new AbortController().signal;

export function selfOf(side: Side, incarnation = 7): ProbeSelf {
  return {
    node: parseNodeId(side),
    incarnation,
    base: baseOf(SUBNETS[side]),
    port: PORT,
    network: parseSubnet(NETWORK),
    subnetLength: 24,
    paths: [
      { path: 'direct', link: 'eth0' },
      { path: 'vxlan', link: VXLAN.name, device: VXLAN.name },
    ],
  };
}

/** As the other side's lease shows it. */
export function peerOf(world: Pick<ProbeWorld, Side>, side: Side, changes: Partial<ProbePeer> = {}): ProbePeer {
  return {
    node: parseNodeId(side),
    subnet: SUBNETS[side],
    base: baseOf(SUBNETS[side]),
    port: PORT,
    key: world[side].key,
    incarnation: 7,
    paths: PATHS,
    ...changes,
  };
}

/** Both listen, and each knows the other. */
export async function introduce(world: ProbeWorld): Promise<void> {
  for (const side of ['near', 'far'] as const) {
    await world[side].listen(selfOf(side), never);
    world[side].serve([peerOf(world, otherOf(side))]);
  }
  await world.settle();
}

export const targetOf = (side: Side, path: PathName, by: ProbeTarget['by'] = 'probe'): ProbeTarget => ({
  subnet: SUBNETS[side],
  base: parseAddress(baseOf(SUBNETS[side])),
  path,
  by,
});

/** Reads outcomes as they come, until it is stopped. */
export class Outcomes {
  readonly all: ProbeOutcome[] = [];
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #onMore = (): void => {};

  constructor(probe: PathProbe) {
    this.#done = (async () => {
      for await (const outcomes of probe.outcomes(this.#stop.signal)) {
        this.all.push(...outcomes);
        this.#onMore();
      }
    })();
  }

  /** Resolves when what was told is enough, or the other promise does. */
  async until(isEnough: () => boolean, atLatest: Promise<void>): Promise<void> {
    const enough = new Promise<void>((resolve) => {
      this.#onMore = () => {
        if (isEnough()) resolve();
      };
    });
    this.#onMore();
    await Promise.race([enough, atLatest]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }
}

/** Asks the other side on both paths, again and again, until so many requests are settled for each; `direct heard` for each, in order. */
export async function askAll(
  world: ProbeWorld,
  from: Side,
  rounds = 3,
  by: ProbeTarget['by'] = 'probe',
): Promise<ProbeOutcome[]> {
  const probe = world[from];
  const outcomes = new Outcomes(probe);
  // What is told late is of requests from before.
  const told = (): ProbeOutcome[] => outcomes.all.filter((one) => one.by === by && one.isLate !== true);
  const count = (path: PathName): number => told().filter((one) => one.path === path).length;
  for (let round = 0; round < rounds; round++) {
    for (const path of PATHS) probe.ask(targetOf(otherOf(from), path, by));
    await outcomes.until(() => PATHS.every((path) => count(path) > round), world.settle());
  }
  for (let tries = 0; PATHS.some((path) => count(path) < rounds) && tries < 20; tries++) await world.settle();
  await outcomes.stop();
  for (const path of PATHS) assert.equal(count(path), rounds, `${path}: ${JSON.stringify(outcomes.all)}`);
  return told();
}

/**
 * What was said of each path. Silence says nothing beside the others: the last request on a path that does not work is silent, since no later one tells of it, and so is any
 * whose answer came late because one of the two got no time.
 */
export function verdicts(outcomes: readonly ProbeOutcome[]): Record<string, string> {
  const said = (path: PathName): string => {
    const all = outcomes.filter((one) => one.path === path).map(({ verdict }) => verdict);
    const told = new Set(all);
    if (told.size > 1) told.delete('silent');
    return [...told].join(' and ');
  };
  return { direct: said('direct'), vxlan: said('vxlan') };
}
