/** The subnet that a person means, among those that are leased or may be. */
import { tryAddress } from '../core/address.ts';
import { WeftError } from '../core/errors.ts';
import type { Lease, LeaseView } from '../core/lease.ts';
import { contains, tryInterfaceAddress, trySubnet } from '../core/subnet.ts';

/** The lease of this very subnet, or of the one that holds this address. @throws WeftError BAD_OPTION */
export function leaseFor(view: LeaseView, text: string): Lease {
  const lease = [...view.leases.values()].find(({ subnet }) => means(text, subnet.v4));
  if (lease !== undefined) return lease;
  readable(text);
  throw new WeftError('BAD_OPTION', `no lease holds ${text}`, { hint: 'weftd lease list shows them all.' });
}

function means(text: string, subnet: Lease['subnet']['v4']): boolean {
  const address = tryAddress(text);
  return address === undefined ? trySubnet(text) === subnet : contains(subnet, address);
}

function readable(text: string): void {
  if (tryAddress(text) !== undefined || tryInterfaceAddress(text) !== undefined) return;
  throw new WeftError('BAD_OPTION', `"${text}": expected a subnet like 10.42.9.0/24, or an address in it`);
}

export function operand(operands: readonly string[], index: number, name: string): string {
  const text = operands[index];
  if (text === undefined || text === '')
    throw new WeftError('BAD_OPTION', `${name} is missing`, { hint: '--help shows how it is written.' });
  return text;
}
