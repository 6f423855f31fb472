/** What the choice of an uplink looks at, from the devices of a fake kernel. */
import type { Address } from '../../src/core/address.ts';
import { contains, subnetOf } from '../../src/core/subnet.ts';
import { ipValueOf } from '../../src/host/kernel-values.ts';
import type { HostPicture } from '../../src/host/uplink-choice.ts';
import { IFA_F_PERMANENT, IFF_UP, RT_TABLE_MAIN, RTN_UNICAST } from '../../src/native/netlink/constants.ts';
import type { FakeKernel } from './fake-kernel.ts';

/** linux/rtnetlink.h, RTPROT_STATIC */
const STATIC = 4;

export function pictureOf(kernel: FakeKernel, canReach?: Address): HostPicture {
  const devices = [...kernel.devices.values()].map((device, i) => ({ ...device, index: i + 2 }));
  const reached =
    canReach === undefined
      ? undefined
      : (devices.find((device) => reaches(device.addresses, canReach)) ??
        devices.find(({ gateway }) => gateway !== undefined));
  return {
    links: devices.map(({ index, name, mtuBytes, mac }) => ({
      index,
      name,
      kind: '',
      flags: IFF_UP,
      changed: 0,
      mtuBytes,
      ...(mac === undefined ? {} : { mac }),
    })),
    addresses: devices.flatMap(({ index, addresses }) =>
      addresses.map(({ address, prefixLength }) => {
        const value = ipValueOf(address);
        return { link: index, address: value, prefix: value, prefixLength, scope: 0, flags: IFA_F_PERMANENT };
      }),
    ),
    routes: devices.flatMap(({ index, gateway, metric }) =>
      gateway === undefined
        ? []
        : [
            {
              table: RT_TABLE_MAIN,
              protocol: STATIC,
              type: RTN_UNICAST,
              scope: 0,
              tos: 0,
              flags: 0,
              destination: 0,
              prefixLength: 0,
              link: index,
              gateway: ipValueOf(gateway),
              source: undefined,
              mtuBytes: undefined,
              priority: metric ?? 0,
              foreignForm: false,
            },
          ],
    ),
    ...(reached === undefined ? {} : { reached: { link: reached.index } }),
  };
}

const reaches = (
  addresses: readonly { readonly address: Address; readonly prefixLength: number }[],
  to: Address,
): boolean => addresses.some(({ address, prefixLength }) => contains(subnetOf(address, prefixLength), to));
