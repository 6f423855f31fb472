/** The claim at the start: made ready to receive first, so that the lease may say so, and adopted with all that peers know of us. */
import type { HostScope } from '../contracts/host-network.ts';
import { asWeftError, isRetryable, WeftError, type ErrorCode } from '../core/errors.ts';
import type { Address } from '../core/address.ts';
import { isDevice, isOfProcess } from '../core/device.ts';
import { diff } from '../core/diff.ts';
import {
  HOST_ENTRIES,
  hostEntryKey,
  linkUnder,
  sameHostEntry,
  type HostEntry,
  type HostFile,
  type VxlanLink,
} from '../core/host-entry.ts';
import type { Advert, Lease, LeaseAttributes } from '../core/lease.ts';
import { misfit } from '../core/lease-range.ts';
import { renumbering } from '../core/owner.ts';
import { PATH_NAMES, type PathName } from '../core/path.ts';
import { baseOf, type Subnet } from '../core/subnet.ts';
import type { TunLink } from '../core/udp-entry.ts';
import type { Receiver } from '../datapath/datapath.ts';
import { devicesOf, receiveSide } from '../datapath/host-basics.ts';
import { datapathsOf } from '../datapath/paths.ts';
import type { AgentParts } from './agent-parts.ts';
import { leaseAttributes } from './lease-attributes.ts';
import { usersOf } from './network-overlap.ts';
import { patiently, type Patience } from './patiently.ts';
import { isElsewhere } from './rivals.ts';
import { TerminatedOwners } from './terminated-owners.ts';
import { vtepMac } from './vtep-mac.ts';

/** Our own devices, also those of paths that are not in the list. */
export const ownDevices = (receiver: Receiver): string[] => devicesOf(receiver, datapathsOf(PATH_NAMES));

/** The subnet this host had, by its own word. */
export function previousSubnets({ state, options }: AgentParts): readonly Subnet[] {
  return [state.remembered.subnet, options.subnetFromFile].filter((subnet) => subnet !== undefined);
}

/** What stands of the receive side and of subnet.env, and nothing else: the list of peers' entries is long. */
export async function firstLook(
  { host, options }: AgentParts,
  receiver: Receiver,
  base: Address | undefined,
  signal: AbortSignal,
): Promise<readonly HostEntry[]> {
  const paths = datapathsOf(receiver.config.paths);
  const file: HostFile = { kind: 'file', path: options.subnetFile, text: '' };
  const side = paths.flatMap((path) =>
    base === undefined ? path.receive(receiver).filter(isDevice) : receiveSide(receiver, base, path),
  );
  const scope: HostScope = {
    networks: [receiver.config.v4.network],
    ...(base === undefined ? {} : { base }),
    links: devicesOf(receiver, paths),
    sysctls: [],
    files: [options.subnetFile],
    accepts: [],
    only: new Set([...side, file].map(hostEntryKey)),
  };
  return (await host.observe(scope, signal)).entries;
}

/** Nothing that a later try would change: this daemon cannot live here as it is told to. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set(['NOT_PERMITTED', 'LINK_FOREIGN']);

/** Makes the tunnel devices. What fails otherwise is left to the passes, which try again and report; what stands after it. */
export async function readyDevices(
  { host }: AgentParts,
  receiver: Receiver,
  observed: readonly HostEntry[],
  signal: AbortSignal,
): Promise<readonly HostEntry[]> {
  const wanted = datapathsOf(receiver.config.paths).flatMap((path) => path.receive(receiver).filter(isDevice));
  const standing = observed.filter(isDevice);
  const changes = diff<VxlanLink | TunLink>(standing, wanted, HOST_ENTRIES);
  if (changes.length === 0) return observed;
  const failed = (await host.apply(changes, signal)).flatMap(({ error }) => error ?? []);
  const [hopeless] = failed.filter(({ code }) => HOPELESS.has(code));
  // Where one tunnel is closed to us and another is not, that one carries.
  if (hopeless !== undefined && (hopeless.code === 'NOT_PERMITTED' || failed.length === wanted.length)) throw hopeless;
  // A device that was touched may have lost what stood on it: the next pass knows.
  const touched = new Set(changes.map((change) => (change.op === 'put' ? change.want : change.was).name));
  return observed.filter((entry) => !touched.has(isDevice(entry) ? entry.name : (linkUnder(entry) ?? '')));
}

export interface FirstClaim {
  readonly lease: Lease;
  /** My lease as it stood before, if there was one. */
  readonly adopted: Lease | undefined;
  readonly incarnation: number;
  readonly receiver: Receiver;
  /** When the claim was sent. */
  readonly sentAt: number;
}

/** What is written, told what stood there before: the address and the endpoints that peers know, as far as they stand, stay. */
function identify(parts: AgentParts, receiver: Receiver, observed: readonly HostEntry[], adopted: Lease | undefined) {
  const { node, incarnation: mine, vtepMac: remembered } = parts.state.remembered;
  const { config } = receiver;
  const self: Receiver = {
    ...receiver,
    ...tableBefore(receiver, adopted),
    vtepMac: vtepMac({ node, config, adopted, observed, remembered }),
  };
  const theirs = adopted?.attributes.weft;
  // A state directory that was lost, or copied to another host, counts anew; peers and rivals must see it rise all the same.
  const incarnation = theirs?.node === node ? Math.max(mine, theirs.incarnation + 1) : mine;
  const probe = { key: parts.probe.key, port: config.probe.port };
  const receives = adopted === undefined ? [] : standingPaths(self, baseOf(adopted.subnet.v4), observed);
  const attributes: LeaseAttributes =
    adopted !== undefined && theirs?.node === node && isElsewhere(adopted, receiver.uplink.publicIP)
      ? { ...adopted.attributes, weft: { ...withoutProber(theirs), incarnation } }
      : leaseAttributes({ ...self, node, incarnation, receives, probe });
  return { self, incarnation, attributes };
}

/** Whoever answers at the address of that lease has the key that peers know; a newer incarnation must not show it as its own. */
function withoutProber(advert: Advert): Advert {
  const { probe, ...rest } = advert;
  return probe === undefined ? advert : rest;
}

/** The table that the lease named is the best guess until it is looked up: senders of it have routes to others there. */
function tableBefore({ cloud }: Receiver, adopted: Lease | undefined): Pick<Receiver, 'cloud'> {
  const { fabric, table } = adopted?.attributes.weft ?? {};
  if (cloud === undefined || fabric?.network !== cloud.identity.network || fabric.subnet !== cloud.identity.subnet)
    return {};
  return { cloud: { ...cloud, table } };
}

function standingPaths(receiver: Receiver, base: Address, observed: readonly HostEntry[]): PathName[] {
  // A packet engine ends with its process: that of this one is on its way, and nobody is to leave the path for the moment until then.
  const stands = (wanted: HostEntry): boolean =>
    isOfProcess(wanted) || observed.some((entry) => sameHostEntry(entry, wanted));
  return datapathsOf(receiver.config.paths)
    .filter((path) => receiveSide(receiver, base, path).every(stands))
    .map(({ name }) => name);
}

export async function firstClaim(
  parts: AgentParts,
  receiver: Receiver,
  observed: readonly HostEntry[],
  patience: Patience,
  signal: AbortSignal,
): Promise<FirstClaim> {
  const { store, host, clock, state, options } = parts;
  const { config, uplink } = receiver;
  const [old] = previousSubnets(parts);
  const wish = previousSubnets(parts).find((subnet) => misfit(config.v4, subnet) === undefined);
  const gone =
    parts.cloud === undefined ? undefined : new TerminatedOwners({ ...parts, inventory: parts.cloud.inventory });
  let adopted: Lease | undefined;
  const attempt = async (): Promise<FirstClaim> => {
    const users = old === undefined ? [] : usersOf(old, await host.addresses(signal), ownDevices(receiver));
    const verdict = old === undefined ? ({ may: true } as const) : renumbering(old, users, options.allowRenumber);
    if (wish === undefined && old !== undefined && !verdict.may)
      throw inUse(`${misfit(config.v4, old) ?? old}, and is in use here: ${users.join(', ')}`);
    const sentAt = clock.now();
    try {
      const { lease } = await store.claim(
        {
          node: state.remembered.node,
          publicIP: uplink.publicIP,
          range: config.v4,
          within: [],
          ...(wish === undefined ? {} : { previous: wish }),
          mayRenumber: verdict.may,
          attributes: (found) => {
            adopted = found;
            return identify(parts, receiver, observed, found).attributes;
          },
          ttlMs: config.leaseTtlMs,
        },
        signal,
      );
      const { self, incarnation } = identify(parts, receiver, observed, adopted);
      return { lease, adopted, incarnation, receiver: self, sentAt };
    } catch (error) {
      const { code } = asWeftError(error);
      if (!verdict.may && code === 'LEASE_TAKEN') throw inUse(verdict.why, error);
      if (code === 'NO_SUBNET') await gone?.free(signal);
      throw error;
    }
  };
  return patiently(
    'lease',
    attempt,
    patience,
    signal,
    (error) => isRetryable(error) || asWeftError(error).code === 'SUBNET_IN_USE',
  );
}

const inUse = (why: string, cause?: unknown): WeftError =>
  new WeftError('SUBNET_IN_USE', why, {
    cause,
    hint: 'Take those addresses away, or start with --allow-renumber: what lives in the old subnet is cut off then',
  });
