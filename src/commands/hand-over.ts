/** What of an instance of weftd flanneld has no use for, on a host that it has again: what both use carries its traffic now. */
import { isDevice } from '../core/device.ts';
import { linkUnder, type HostEntry } from '../core/host-entry.ts';

/** By its name: of a vxlan network, or its udp backend's. */
const isFlannels = (link: string): boolean => /^flannel(?:\.\d+|0)$/.test(link);

/** @param entries all that stands because of us */
export function withoutShared(entries: readonly HostEntry[]): HostEntry[] {
  const isOnOwnDevice = (entry: HostEntry): boolean => {
    const link = linkUnder(entry);
    return link !== undefined && entries.some((one) => isDevice(one) && one.name === link) && !isFlannels(link);
  };
  // flanneld's host-gw keeps routes that lead as its own would; with their source address they would go, too.
  const sources = new Set(
    entries.flatMap((entry) =>
      entry.kind === 'route' && entry.metric === undefined && !isOnOwnDevice(entry) ? (entry.source ?? []) : [],
    ),
  );
  return entries.filter((entry) => {
    switch (entry.kind) {
      case 'link':
      case 'tun':
        return !isFlannels(entry.name);
      case 'route':
        return entry.metric !== undefined || isOnOwnDevice(entry);
      case 'address':
        return isOnOwnDevice(entry) || (!isFlannels(entry.link) && !sources.has(entry.address));
      case 'neighbour':
      case 'fdb':
        return isOnOwnDevice(entry);
      // Of the same commands: what they have set up is flanneld's now.
      case 'extension':
        return false;
      default:
        return true;
    }
  });
}
