/** Networks of an instance that has ended, whose routes may still stand because of it. */
import type { OtherInstance } from '../contracts/node-state.ts';
import { overlaps, type Subnet } from '../core/subnet.ts';

/** Routes are told apart by their Network alone: where another daemon has that range by now, they are its own. */
export function leftNetworks(
  {
    network,
    previousNetworks = [],
  }: { readonly network?: Subnet | undefined; readonly previousNetworks?: readonly Subnet[] | undefined },
  others: readonly Pick<OtherInstance, 'network'>[],
): readonly Subnet[] {
  const all = network === undefined ? previousNetworks : [network, ...previousNetworks];
  return all.filter((one) => !others.some((other) => overlaps(one, other.network)));
}
