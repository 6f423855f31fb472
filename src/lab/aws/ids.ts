/** Ids of AWS's long form: a prefix and 17 hexadecimal digits. */
import { createHash } from 'node:crypto';
import { Ec2Error } from './ec2-error.ts';
import type { AwsState } from './model.ts';

/** The id of something that a plan names: the same in every run. */
export function idOf(prefix: string, name: string): string {
  return `${prefix}-0${createHash('sha256').update(`${prefix} ${name}`).digest('hex').slice(0, 16)}`;
}

/** A new id, and the state that has given it out. */
export function mint(state: AwsState, prefix: string): readonly [id: string, state: AwsState] {
  const minted = state.minted + 1;
  return [idOf(prefix, `minted ${minted}`), { ...state, minted }];
}

/** AWS's names of a kind of thing in error codes; it spells the two codes of one kind differently (CLOUD.md 1.3). */
const KINDS = {
  rtb: { notFound: 'InvalidRouteTableID.NotFound', malformed: 'InvalidRouteTableId.Malformed', word: 'routeTable' },
  eni: {
    notFound: 'InvalidNetworkInterfaceID.NotFound',
    malformed: 'InvalidNetworkInterfaceId.Malformed',
    word: 'networkInterface',
  },
  i: { notFound: 'InvalidInstanceID.NotFound', malformed: 'InvalidInstanceID.Malformed', word: 'instance' },
  subnet: { notFound: 'InvalidSubnetID.NotFound', malformed: 'InvalidSubnetID.Malformed', word: 'subnet' },
  vpc: { notFound: 'InvalidVpcID.NotFound', malformed: 'InvalidVpcID.Malformed', word: 'vpc' },
  sg: { notFound: 'InvalidGroup.NotFound', malformed: 'InvalidGroupId.Malformed', word: 'security group' },
  rtbassoc: {
    notFound: 'InvalidAssociationID.NotFound',
    malformed: 'InvalidAssociationID.Malformed',
    word: 'association',
  },
} as const;

export type IdKind = keyof typeof KINDS;

/** @throws Ec2Error when the id has not the form, or names nothing. */
export function named<T>(map: ReadonlyMap<string, T>, kind: IdKind, id: string): T {
  const { notFound, malformed, word } = KINDS[kind];
  if (!new RegExp(`^${kind}-([0-9a-f]{8}|[0-9a-f]{17})$`).test(id)) {
    throw new Ec2Error(malformed, `Invalid id: "${id}" (expecting "${kind}-...")`);
  }
  const found = map.get(id);
  if (found === undefined) throw new Ec2Error(notFound, `The ${word} ID '${id}' does not exist`);
  return found;
}
