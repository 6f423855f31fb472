/** The device and address by which this host reaches the others. */
import type { Address } from './address.ts';
import type { MacAddress } from './mac.ts';
import type { Subnet } from './subnet.ts';

export interface Uplink {
  readonly link: string;
  /** The uplink's own address: the source of what we send to other hosts. */
  readonly address: Address;
  /** What other hosts send to: the same, or a NAT's. */
  readonly publicIP: Address;
  readonly mtuBytes: number;
  readonly mac: MacAddress | undefined;
  /** Ranges that this device reaches without a gateway. */
  readonly onLink: readonly Subnet[];
  /** Next hop of the device's default route. */
  readonly gateway?: Address;
}
