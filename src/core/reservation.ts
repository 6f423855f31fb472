/** Reservations: records of kind `reservation`, keyed like the lease of the subnet, that keep a subnet for one node. */
import { isJsonObject, type JsonValue } from './json.ts';
import { leaseKeyOf, parseLeaseKey } from './lease-key.ts';
import { tryNodeId, type NodeId } from './node-id.ts';
import type { Subnet } from './subnet.ts';

export interface Reservation {
  readonly subnet: Subnet;
  readonly node: NodeId;
}

export const reservationKey = (subnet: Subnet): string => leaseKeyOf({ v4: subnet });

export const reservationValue = (node: NodeId): JsonValue => ({ node });

/** The subnet of a reservation's key; undefined when it is none. */
export const reservedSubnet = (key: string): Subnet | undefined => parseLeaseKey(key)?.subnet.v4;

/** Undefined when key or value is not what `reservationKey` and `reservationValue` write. */
export function readReservation(key: string, value: JsonValue): Reservation | undefined {
  const subnet = reservedSubnet(key);
  const name = isJsonObject(value) ? value['node'] : undefined;
  const node = typeof name === 'string' ? tryNodeId(name) : undefined;
  return subnet === undefined || node === undefined ? undefined : { subnet, node };
}
