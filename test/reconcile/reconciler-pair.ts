/** Two nodes of two subnets under a reconciler, and what a run says, as text. */
import type { RunReport } from '../../src/reconcile/reconciler-parts.ts';
import { destination, ReconcilerWorld } from './reconciler-world.ts';
import { ledgerText } from './world-state.ts';

export const A = `rtb-a ${destination(3)}`;
export const B = `rtb-b ${destination(1)}`;

/** Node 1 in subnet a, node 3 in b. */
export async function pair(): Promise<ReconcilerWorld> {
  const world = ReconcilerWorld.small();
  await world.join(1, { subnet: 'subnet-a' });
  await world.join(3, { subnet: 'subnet-b' });
  return world;
}

export const told = ({ audit }: RunReport): string[] =>
  audit.map(({ action, before = '-', after = '-', why }) => `${action} ${before} ${after}: ${why}`);
export const result = ({ outcomes }: RunReport, table: string, number: number) => {
  const outcome = outcomes.get(`${table}/${destination(number)}`);
  return [outcome?.result, outcome?.why];
};
export const rows = (world: ReconcilerWorld): string[] =>
  ledgerText(world).map((line) => line.replace(/ epoch .*/, ''));
