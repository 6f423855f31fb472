/** Which route table serves what. */
import { Ec2Error } from './ec2-error.ts';
import { mint, named } from './ids.ts';
import { having, lacking, type Association, type AwsState } from './model.ts';

/** The table of a subnet: its explicit association, else the VPC's main table. */
export function tableOf(state: AwsState, subnetId: string): string {
  const subnet = named(state.subnets, 'subnet', subnetId);
  for (const { subnet: of, table } of state.associations.values()) if (of === subnetId) return table;
  return mainOf(state, subnet.vpc).table;
}

export function mainOf(state: AwsState, vpc: string): Association {
  for (const association of state.associations.values()) {
    if (association.main && state.tables.get(association.table)?.vpc === vpc) return association;
  }
  throw new Error(`${vpc} has no main table`);
}

/** A table that serves packets from outside the VPC on their way in. */
export const isEdgeTable = (state: AwsState, table: string): boolean =>
  [...state.associations.values()].some((it) => it.table === table && it.gateway !== undefined);

export const associationsOf = (state: AwsState, table: string): readonly Association[] =>
  [...state.associations.values()].filter((it) => it.table === table);

/**
 * Another table for what this association serves; the association gets a new id. Of the main one: swaps the main table.
 * @returns the new association's id.
 */
export function replaceAssociation(
  state: AwsState,
  associationId: string,
  tableId: string,
): readonly [id: string, state: AwsState] {
  const old = named(state.associations, 'rtbassoc', associationId);
  const table = named(state.tables, 'rtb', tableId);
  if (state.tables.get(old.table)?.vpc !== table.vpc) {
    throw new Ec2Error('InvalidParameterValue', `${tableId} belongs to another VPC than ${old.table}`);
  }
  if (old.main && isEdgeTable(state, tableId)) {
    throw new Ec2Error('InvalidParameterValue', `${tableId} is a gateway route table and cannot be the main one`);
  }
  const [id, next] = mint(state, 'rtbassoc');
  const associations = having(lacking(next.associations, associationId), id, { ...old, id, table: tableId });
  return [id, { ...next, associations }];
}

/** @returns the new association's id. */
export function associate(state: AwsState, tableId: string, subnetId: string): readonly [id: string, state: AwsState] {
  const table = named(state.tables, 'rtb', tableId);
  const subnet = named(state.subnets, 'subnet', subnetId);
  if (table.vpc !== subnet.vpc)
    throw new Ec2Error('InvalidParameterValue', `${tableId} and ${subnetId} are in two VPCs`);
  const standing = [...state.associations.values()].find((it) => it.subnet === subnetId);
  if (standing !== undefined) {
    throw new Ec2Error(
      'Resource.AlreadyAssociated',
      `the specified association for route table ${tableId} conflicts with an existing association`,
    );
  }
  const [id, next] = mint(state, 'rtbassoc');
  return [
    id,
    { ...next, associations: having(next.associations, id, { id, table: tableId, subnet: subnetId, main: false }) },
  ];
}

export function disassociate(state: AwsState, associationId: string): AwsState {
  const { main } = named(state.associations, 'rtbassoc', associationId);
  if (main)
    throw new Ec2Error(
      'InvalidParameterValue',
      `cannot disassociate the main route table association ${associationId}`,
    );
  return { ...state, associations: lacking(state.associations, associationId) };
}
