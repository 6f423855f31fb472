/**
 * Removes what stands on this host because of one instance of weftd, by what its state directory remembers; the store is not asked, so that it works
 * where the store is gone. Kernel settings stay: what they were before is not known, and others may rely on them by now.
 */
import { rm } from 'node:fs/promises';
import type { HostNetwork, HostScope } from '../contracts/host-network.ts';
import { diff } from '../core/diff.ts';
import { WeftError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import { HOST_ENTRIES, describeHostEntry, type HostEntry } from '../core/host-entry.ts';
import { parseSubnetFile } from '../core/subnet-file.ts';
import { baseOf } from '../core/subnet.ts';
import { Activity } from '../host/activity.ts';
import { Extension } from '../host/extension.ts';
import { LinuxHost } from '../host/linux-host.ts';
import { networkdPaths } from '../host/networkd.ts';
import { otherInstances } from '../host/other-instances.ts';
import { SharedHost } from '../host/shared-host.ts';
import { openStateDirectory, readState, type KnownState } from '../host/state-directory.ts';
import { PinoLog } from '../system/pino-log.ts';
import type { Action, Invocation } from './command.ts';
import { withoutShared } from './hand-over.ts';
import { isStoreNamed, namedStore } from './named-store.ts';
import { leftNetworks } from './left-networks.ts';
import { storeIdentity } from './open-store.ts';
import { requireLinux, requireNetAdmin } from './require-linux.ts';
import { MACHINE_ID } from './this-host.ts';

export const cleanup: Action = async (invocation) => {
  const { options, io, signal } = invocation;
  requireLinux();
  requireNetAdmin();
  const { url } = namedStore(options);
  const instanceKey = [await storeIdentity(url)];
  const known = await readState({ directory: options.stateDir, instanceKey });
  if (known === undefined) {
    io.out(`Nothing to remove: no weftd of ${url} has run with its state in ${options.stateDir}.\n`);
    if (!isStoreNamed(options)) io.out('Was it of another store? Name that with --store, or the etcd options.\n');
    return 0;
  }
  // The lock keeps a daemon from starting meanwhile. INSTANCE_RUNNING when one runs.
  const state = await openStateDirectory({
    directory: options.stateDir,
    instanceKey,
    nodeId: undefined,
    machineIdPath: MACHINE_ID,
  });
  try {
    await new Activity(known.instance.id).forget(signal);
    const log = new PinoLog('warn');
    const extension = new Extension(new SharedHost(new LinuxHost(), state.claims, 'daemon'), known.directory, log);
    await extension.recall();
    const { removed, findings } = await removeAll(extension.host, known, options, signal);
    // After the peers: it may take away what their commands need.
    if (!options.handOver) await extension.shutDown(signal);
    await log.flush();
    io.out(
      removed.length === 0
        ? 'Nothing of it stands on this host.\n'
        : removed.map((entry) => `- ${describeHostEntry(entry)}\n`).join(''),
    );
    for (const { message } of findings) io.err(`${message}\n`);
    io.out(options.handOver ? 'What flanneld uses too stays, the lease among it.\n' : whatStays(known));
    if (options.all) {
      await rm(known.directory, { recursive: true, force: true });
      io.out(`- state ${known.directory}\n`);
    }
    return 0;
  } finally {
    await state.close();
  }
};

/** What no command on this host alone can take away. Drained, a host has no lease any more. */
const whatStays = ({ remembered: { subnet } }: KnownState): string =>
  subnet === undefined
    ? ''
    : `The lease of ${subnet} stays in the store, and routes to it in a cloud's tables stay there: start weftd and drain it to take both away.\n`;

const REMOVED: ReadonlySet<HostEntry['kind']> = new Set([
  'extension',
  'route',
  'neighbour',
  'fdb',
  'address',
  'link',
  'tun',
  'unreachable',
  'accept',
  'masquerade',
  'file',
]);

/** @throws WeftError the first that failed, when all others are removed */
async function removeAll(
  host: HostNetwork,
  known: KnownState,
  options: Invocation['options'],
  signal: AbortSignal,
): Promise<{ readonly removed: readonly HostEntry[]; readonly findings: readonly Finding[] }> {
  const scope = await scopeOf(host, known, options, signal);
  const { entries, findings } = await host.observe(scope, signal);
  const all = entries.filter((entry) => REMOVED.has(entry.kind) && isOurs(entry, known));
  const ours = options.handOver ? withoutShared(all) : all;
  const changes = diff(ours, [], HOST_ENTRIES);
  const outcomes = await host.apply(changes, signal);
  const failed = outcomes.flatMap(({ error }) => (error === undefined ? [] : [error]));
  const [first] = failed;
  if (first !== undefined)
    throw new WeftError(first.code, `${first.message} (${failed.length} of ${changes.length} could not be removed)`, {
      cause: first,
    });
  return { removed: ours, findings };
}

async function scopeOf(
  host: HostNetwork,
  { instance, remembered }: KnownState,
  options: Invocation['options'],
  signal: AbortSignal,
): Promise<HostScope> {
  const networks = leftNetworks(remembered, await otherInstances(options.stateDir, instance.id));
  const base = remembered.subnet === undefined ? undefined : baseOf(remembered.subnet);
  // Our devices are those that carry our base, and nobody else puts that /32 on a device.
  const carriers = (await host.addresses(signal)).filter(
    ({ link, address, prefixLength }) => address === base && prefixLength === 32 && link !== 'lo',
  );
  return {
    networks,
    ...(base === undefined ? {} : { base }),
    links: carriers.map(({ link }) => link),
    sysctls: [],
    files: [...(options.handOver ? [] : [options.subnetFile]), ...networkdPaths(instance.id)],
    accepts: [],
    formerAccepts: networks,
    masquerade: { instance: instance.id },
  };
}

/** subnet.env may be another daemon's by now, and a device of our name and base another's too: ours has the MAC that we remember. */
function isOurs(entry: HostEntry, { remembered, instance }: KnownState): boolean {
  if (entry.kind === 'link') return remembered.vtepMac === undefined || entry.mac === remembered.vtepMac;
  if (entry.kind !== 'file' || networkdPaths(instance.id).includes(entry.path)) return true;
  const { subnet, network } = parseSubnetFile(entry.text);
  // A drained daemon has no subnet any more; the file it left is still of its Network.
  return remembered.subnet === undefined
    ? network !== undefined && network === remembered.network
    : subnet === remembered.subnet;
}
