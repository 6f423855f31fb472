/** A lease for people and for programs. */
import type { Lease } from '../core/lease.ts';
import { textFields } from './text-table.ts';

/** The ways in which its node can be reached, by what the lease says. */
export function offers({ attributes }: Lease): string {
  const { weft, backendType } = attributes;
  if (weft === undefined) return backendType ?? 'udp';
  const named = [
    ...(weft.fabric === undefined ? [] : [`fabric ${weft.fabric.target}`]),
    ...(weft.vxlan === undefined ? [] : ['vxlan']),
    ...(weft.udp === undefined ? [] : ['udp']),
  ];
  return ['direct', ...named].join(', ');
}

export function leaseJson({ key, subnet, attributes, epoch, version }: Lease): object {
  return { key, subnet: subnet.v4, epoch, version, attributes };
}

export function leaseText(lease: Lease): string {
  const { weft, publicIP, backendType, backendData } = lease.attributes;
  const fields: (readonly [string, string])[] = [
    ['subnet', lease.subnet.v4],
    ['key', lease.key],
    ['node', weft?.node ?? 'none: a plain flanneld'],
    ['public IP', publicIP],
    ['epoch', String(lease.epoch)],
    ['version', lease.version],
    [
      'flannel',
      `${backendType ?? 'no BackendType: udp'}${backendData === undefined ? '' : ` ${JSON.stringify(backendData)}`}`,
    ],
  ];
  if (weft !== undefined) fields.push(['weft', JSON.stringify(weft)]);
  return textFields(fields);
}
