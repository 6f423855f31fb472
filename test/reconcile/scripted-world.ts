/** One small network in which everything happens that a reconciler has to do, run by run, with or without a cut. */
import type { Leaving, RunRequest } from '../../src/reconcile/reconciler-parts.ts';
import type { CutPoints } from './cut-points.ts';
import { BETWEEN_RUNS, destination, instanceOf, ReconcilerWorld } from './reconciler-world.ts';
import { Watch, worldState } from './world-state.ts';

const DRAINED = 6;
const ACTION = { group: 'nodes', hook: 'weft-drain', instance: instanceOf(DRAINED), token: 'token-6' };
const LEAVING: Leaving = { instance: instanceOf(DRAINED), why: 'its group wants it gone', action: ACTION };

/** The first takes over, the second hears of a machine that leaves, the others let time pass: a quarantine of 15 minutes, and two runs more. */
const STEPS: readonly Partial<RunRequest>[] = [
  { why: 'schedule' },
  { why: 'event', leaving: [LEAVING] },
  ...Array.from({ length: 6 }, () => ({ why: 'schedule' as const })),
];
/** So many more runs may be needed after a cut: each may lose one step of the age. */
const EXTRA_RUNS = 6;

export class ScriptedWorld {
  readonly world: ReconcilerWorld;
  readonly watch: Watch;
  readonly cuts: CutPoints;

  private constructor(world: ReconcilerWorld, cuts: CutPoints) {
    this.world = world;
    this.cuts = cuts;
    this.watch = new Watch(
      world,
      [`rtb-a ${destination(9)}`, `rtb-a ${destination(10)}`, `rtb-b ${destination(12)}`],
      [`rtb-b ${destination(2)}`, `rtb-a ${destination(3)}`, `rtb-a ${destination(4)}`],
    );
    world.cloud.after = (call) => {
      this.watch.look();
      // By then nobody sends to it, and nobody is to.
      const isClear =
        !world.cloud.text.includes(`rtb-a ${destination(DRAINED)} eni-${DRAINED}`) &&
        [...world.network.leases.values()].every(({ node }) => node !== instanceOf(DRAINED));
      if (call === 'complete' && !isClear) this.watch.broken('a machine may go that still has routes or a lease');
    };
  }

  static async make(cuts: CutPoints): Promise<ScriptedWorld> {
    const world = ReconcilerWorld.small();
    const { cloud } = world;
    // To be created; to be replaced, since its interface is another now; and one more than the table has room for.
    await world.join(1, { subnet: 'subnet-a' });
    await world.join(2, { subnet: 'subnet-a', target: 'eni-2b' });
    await world.join(11, { subnet: 'subnet-a' });
    await world.stands('rtb-b', 2);
    cloud.foreign('rtb-b', destination(12), 'igw-1');
    const table = cloud.tables.get('rtb-b');
    if (table !== undefined) table.quota = 3;
    // To be adopted, since nobody wrote down that it is ours; and to be kept, its interface to be let forward again.
    await world.join(3, { subnet: 'subnet-b' });
    cloud.foreign('rtb-a', destination(3), 'eni-3');
    await world.join(4, { subnet: 'subnet-b', forwards: false });
    await world.stands('rtb-a', 4);
    // Its machine is terminated, its lease stands; and the one that will leave.
    await world.join(5, { subnet: 'subnet-b' });
    await world.stands('rtb-a', 5);
    world.terminate(5);
    await world.join(DRAINED, { subnet: 'subnet-b' });
    await world.stands('rtb-a', DRAINED);
    // Their leases are gone: the target of one lives, the other's does not.
    cloud.machines.start({ instance: instanceOf(7), target: 'eni-7', subnet: 'subnet-b' });
    await world.stands('rtb-a', 7);
    await world.stands('rtb-a', 8);
    // Somebody else's, one of them a black hole.
    cloud.foreign('rtb-a', destination(9), 'igw-1');
    cloud.foreign('rtb-a', destination(10), 'eni-of-nobody', false);
    return new ScriptedWorld(world, cuts);
  }

  /** Through the script, and on until `end` is reached or nothing more is to be hoped for. @returns where it ends */
  async play(end?: readonly string[]): Promise<string[]> {
    const goal = end?.join('\n');
    let undelivered: readonly Leaving[] = [];
    for (let step = 0; step < STEPS.length + (goal === undefined ? 0 : EXTRA_RUNS); step++) {
      if (step >= STEPS.length && worldState(this.world).join('\n') === goal) break;
      const { why = 'schedule', leaving = [] } = STEPS[step] ?? {};
      const told = [...undelivered, ...leaving];
      // Who delivers an event does so again when it was not taken.
      undelivered = (await this.#run({ why, leaving: told })) ? [] : told;
      // A machine that may go goes.
      if (this.world.cloud.completed.length > 0 && this.#drainedRuns()) this.world.terminate(DRAINED);
      await this.world.pass(BETWEEN_RUNS);
    }
    return worldState(this.world);
  }

  #drainedRuns(): boolean {
    return this.world.cloud.machines.machines.get(instanceOf(DRAINED))?.state === 'running';
  }

  async #run(request: Partial<RunRequest>): Promise<boolean> {
    const signal = this.cuts.begin();
    const process = this.world.process({ tap: (seam) => this.cuts.tap(seam) });
    try {
      const { how } = await this.world.run(process, request, signal);
      return how !== 'busy';
    } catch {
      return false;
    }
  }
}
