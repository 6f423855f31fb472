/** Host entries that are devices: what others stand on. */
import type { HostEntry, VxlanLink } from './host-entry.ts';
import type { TunLink } from './udp-entry.ts';

/** One of the devices that carry packets to peers. */
export const isDevice = (entry: HostEntry): entry is VxlanLink | TunLink =>
  entry.kind === 'link' || entry.kind === 'tun';

/** What a process does itself, and no other process on the host can see: gone with its end, and there again a moment after its next start. */
export const isOfProcess = ({ kind }: HostEntry): boolean => kind === 'socket' || kind === 'tunnel';
