/** The network: 1,000 nodes, 3 tables, 200 stale routes, 50 foreign ones, 20 black holes; and what ought to stand in it, counted out. */
import type { JsonValue } from '../../src/core/json.ts';
import { config, destination, instanceOf, ReconcilerWorld, targetOf } from './reconciler-world.ts';
import { expectedRoutes, Watch, type Expected, type OracleNode } from './world-state.ts';

/** Subnets a and a2 share a table, so that senders are not as many for everybody. */
const SUBNETS = [
  { subnet: 'subnet-a', table: 'rtb-a', nodes: 250 },
  { subnet: 'subnet-a2', table: 'rtb-a', nodes: 150 },
  { subnet: 'subnet-b', table: 'rtb-b', nodes: 300 },
  { subnet: 'subnet-c', table: 'rtb-c', nodes: 300 },
] as const;
const TABLES = ['rtb-a', 'rtb-b', 'rtb-c'] as const;
/** Numbers from here on are nobody's subnets. */
const STALE = 2000;
const FOREIGN = 2300;
const HOLES = 2400;

export interface LargeWorld {
  readonly world: ReconcilerWorld;
  readonly watch: Watch;
  /** When the stale ones are gone, and the black holes that nobody knows are left alone, or taken. */
  readonly expected: Expected;
  readonly afterAdoption: Expected;
  /** Calls that change something without which it cannot be. */
  readonly least: number;
  readonly leastOfAdoption: number;
}

export async function largeWorld(quota: number, networkConfig: JsonValue = config()): Promise<LargeWorld> {
  const world = new ReconcilerWorld({ rate: { perSecond: 10, burst: 50 } });
  world.configure(networkConfig);
  const { cloud } = world;
  for (const id of TABLES)
    cloud.addTable(id, { quota, subnets: SUBNETS.filter(({ table }) => table === id).map(({ subnet }) => subnet) });
  const nodes: OracleNode[] = [];
  for (const { subnet, table, nodes: count } of SUBNETS)
    for (let n = 0; n < count; n++) {
      const number = nodes.length + 1;
      await world.join(number, { subnet, forwards: number % 100 !== 0 });
      nodes.push({ destination: destination(number), target: targetOf(number), subnet, table });
    }

  // Nodes 951 to 970, in subnet c, stand right in a and are known; the next ten nobody wrote down; ten more lead where they were before.
  const standing = new Set<string>();
  for (let number = 951; number <= 990; number++) {
    if (number <= 970) await world.stands('rtb-a', number);
    else if (number <= 980) cloud.foreign('rtb-a', destination(number), targetOf(number));
    else await world.stands('rtb-a', number, {}, `eni-old-${number}`);
    standing.add(destination(number));
  }

  // Half of the stale ones lead to machines that live on.
  for (let n = 0; n < 200; n++) {
    const number = STALE + n;
    const table = TABLES[n % 3] ?? 'rtb-a';
    cloud.machines.start({ instance: instanceOf(number), target: targetOf(number), subnet: 'subnet-b' });
    if (n % 2 === 0) cloud.machines.turn(instanceOf(number), 'terminated');
    await world.stands(table, number);
  }
  const foreign = new Map<string, string[]>(TABLES.map((id) => [id, []]));
  for (let n = 0; n < 50; n++) {
    const table = TABLES[n % 3] ?? 'rtb-a';
    cloud.foreign(table, destination(FOREIGN + n), 'igw-1');
    foreign.get(table)?.push(`${destination(FOREIGN + n)} igw-1`);
  }
  const holes = new Map<string, string[]>(TABLES.map((id) => [id, []]));
  for (let n = 0; n < 20; n++) {
    const table = TABLES[n % 3] ?? 'rtb-a';
    cloud.foreign(table, destination(HOLES + n), `eni-gone-${n}`, false);
    holes.get(table)?.push(`${destination(HOLES + n)} eni-gone-${n}`);
  }

  const stays = (withHoles: boolean) =>
    TABLES.map((id) => ({
      id,
      limit: quota,
      foreign: [...(foreign.get(id) ?? []), ...(withHoles ? (holes.get(id) ?? []) : [])],
      standing: id === 'rtb-a' ? standing : new Set<string>(),
    }));
  const expected = expectedRoutes(nodes, stays(true));
  const afterAdoption = expectedRoutes(nodes, stays(false));
  const before = new Set(cloud.text);
  // What has to be put there or made to lead elsewhere, the stale ones, and ten interfaces.
  const puts = expected.routes.filter((line) => !before.has(line)).length;
  const foreigners = [...foreign].flatMap(([id, lines]) => lines.map((line) => `${id} ${line.split(' ')[0] ?? ''}`));
  const watch = new Watch(
    world,
    foreigners,
    expected.routes
      .filter((line) => before.has(line) && !line.includes('eni-gone'))
      .map((line) => line.split(' ').slice(0, 2).join(' ')),
  );
  cloud.after = () => watch.look();
  return {
    world,
    watch,
    expected,
    afterAdoption,
    least: puts + 200 + 10,
    leastOfAdoption: 20 + afterAdoption.routes.length - (expected.routes.length - 20),
  };
}
