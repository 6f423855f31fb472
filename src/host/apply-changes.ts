/** Makes changes of every kind in the order given: what goes by netlink in batches, the rest one by one between them. */
import { setImmediate as rest } from 'node:timers/promises';
import type { ChangeOutcome } from '../contracts/host-network.ts';
import type { Change } from '../core/diff.ts';
import { asWeftError, WeftError } from '../core/errors.ts';
import type { HostEntry } from '../core/host-entry.ts';
import type { RouteSocket } from '../native/route-socket.ts';
import { applyFile } from './files.ts';
import { KernelBatch, type BatchedEntry, type Expectations } from './kernel-batch.ts';
import { kernelFailure } from './kernel-errors.ts';
import { Links } from './links.ts';
import type { PacketFilter } from './packet-filter.ts';
import { applySysctl } from './sysctls.ts';
import { applyTun } from './tun-links.ts';
import type { UdpTunnel } from './udp-tunnel.ts';
import { applyVxlan } from './vxlan-links.ts';

type ChangeOf<K extends HostEntry['kind']> = Change<Extract<HostEntry, { kind: K }>>;

/** Both states of a change are of one kind: they have one key. */
function isOf<K extends HostEntry['kind']>(change: Change<HostEntry>, ...kinds: readonly K[]): change is ChangeOf<K> {
  const { kind } = change.op === 'put' ? change.want : change.was;
  return kinds.some((one) => one === kind);
}

const isBatched = (change: Change<HostEntry>): change is Change<BatchedEntry> =>
  isOf(change, 'address', 'route', 'unreachable', 'broadcast', 'neighbour', 'fdb');

export interface ChangeParts {
  readonly socket: RouteSocket;
  readonly hints: Expectations;
  readonly tunnel: UdpTunnel;
  readonly filter: () => Promise<PacketFilter>;
}

export async function applyChanges(
  { socket, hints, tunnel, filter }: ChangeParts,
  changes: readonly Change<HostEntry>[],
  signal: AbortSignal,
): Promise<ChangeOutcome[]> {
  const errors = new Map<number, WeftError>();
  const links = new Links(socket);
  const batch = new KernelBatch(socket, links, hints, (number, error) => errors.set(number, error));
  const attempt = async (number: number, work: () => WeftError | undefined | Promise<void>): Promise<void> => {
    // What waits comes before it.
    batch.flush();
    try {
      const error = await work();
      if (error !== undefined) errors.set(number, error);
    } catch (error) {
      if (signal.aborted) throw stopped();
      errors.set(number, asWeftError(kernelFailure('apply', error)));
    }
  };
  /** Peers of the packet engine, which learns of all that stand in a row at once. */
  let peers: { readonly number: number; readonly change: ChangeOf<'tunnel'> }[] = [];
  const tellPeers = async (): Promise<void> => {
    const told = peers;
    peers = [];
    if (told.length === 0) return;
    batch.flush();
    try {
      const failed = await tunnel.applyPeers(
        links,
        told.map(({ change }) => change),
        signal,
      );
      for (const [place, error] of failed) errors.set(told[place]?.number ?? 0, error);
    } catch (error) {
      if (signal.aborted) throw stopped();
      const failure = asWeftError(kernelFailure('tell the packet engine of its peers', error));
      for (const { number } of told) errors.set(number, failure);
    }
  };
  let op = changes[0]?.op;
  for (const [number, change] of changes.entries()) {
    if (signal.aborted) {
      // The socket is left as it was found: with nothing waiting.
      batch.flush();
      throw stopped();
    }
    // All puts stand before the first removal, also those that need a second try.
    if (change.op !== op) batch.flush();
    op = change.op;
    if (isOf(change, 'tunnel')) {
      peers.push({ number, change });
      continue;
    }
    await tellPeers();
    if (isBatched(change)) {
      try {
        batch.add(number, change);
      } catch (error) {
        errors.set(number, kernelFailure('look at its device', error));
      }
      if (!batch.full) continue;
      batch.send();
      await rest();
    } else if (isOf(change, 'link')) await attempt(number, () => applyVxlan(socket, links, change));
    else if (isOf(change, 'tun')) await attempt(number, () => applyTun(socket, links, change));
    else if (isOf(change, 'socket')) await attempt(number, () => tunnel.applySocket(links, change, signal));
    else if (isOf(change, 'sysctl')) await attempt(number, () => applySysctl(change));
    else if (isOf(change, 'file')) await attempt(number, () => applyFile(change));
    else if (isOf(change, 'accept')) await attempt(number, async () => (await filter()).accept(change, signal));
    else if (isOf(change, 'masquerade')) await attempt(number, async () => (await filter()).masquerade(change, signal));
  }
  await tellPeers();
  batch.flush();
  return changes.map((change, number) => {
    const error = errors.get(number);
    return error === undefined ? { change } : { change, error };
  });
}

const stopped = (): WeftError => new WeftError('ABORTED', 'stopped while changing the kernel');
