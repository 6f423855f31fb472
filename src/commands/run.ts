/** The daemon, put together. What the start waits for is loaded and read side by side. */
import { Agent } from '../agent/agent.ts';
import { asWeftError, WeftError } from '../core/errors.ts';
import type { ParsedSubnetFile } from '../core/subnet-file.ts';
import { Extension } from '../host/extension.ts';
import { LinuxHost } from '../host/linux-host.ts';
import { networkdFiles, networkdFindings } from '../host/networkd.ts';
import { otherInstances } from '../host/other-instances.ts';
import { serviceManager } from '../host/service-manager.ts';
import { SharedHost } from '../host/shared-host.ts';
import { openStateDirectory, type StateDirectory } from '../host/state-directory.ts';
import { readSubnetFile } from '../host/subnet-file.ts';
import { CryptoRandom } from '../system/crypto-random.ts';
import { PinoLog } from '../system/pino-log.ts';
import { agentOptions } from './agent-options.ts';
import type { Action, Invocation, OpenedStore } from './command.ts';
import { namedStore, type NamedStore } from './named-store.ts';
import { passedOver } from './passed-over.ts';
import { requireLinux, requireNetAdmin } from './require-linux.ts';
import { machineRegion, openCloud, type OpenedCloud } from './this-cloud.ts';
import { MACHINE_ID, subnetIn } from './this-host.ts';

export const run: Action = async (invocation) => {
  const { options, environment } = invocation;
  requireLinux();
  const named = namedStore(options);
  requireNetAdmin();
  const log = new PinoLog(options.logLevel ?? (options.v > 0 ? 'debug' : 'info'));
  for (const { what, why } of passedOver(options, environment)) log.warn({ what, why }, 'option is passed over');
  try {
    return await runAgent(invocation, named, log);
  } finally {
    await log.flush();
  }
};

async function runAgent(invocation: Invocation, { url, password }: NamedStore, log: PinoLog): Promise<number> {
  const { options, clock, signal, version } = invocation;
  const random = new CryptoRandom();
  const [opened, cloud] = await Promise.all([
    invocation.openStore(url, {
      clock,
      random,
      ...(password === undefined ? {} : { password }),
      machineRegion: () => machineRegion(options, { clock, random }, signal),
    }),
    openCloud(options, { clock, random, log }, signal),
  ]);
  const [state, file] = await Promise.all([
    openState(options, opened.identity, cloud, signal),
    subnetFile(options.subnetFile, log),
  ]);
  const { instance } = state;
  const linux = new LinuxHost();
  const supervisor = serviceManager(invocation.environment, log);
  const extension = new Extension(
    new SharedHost(linux, state.claims, 'daemon'),
    state.directory,
    log,
    supervisor?.watchdogMs,
  );
  const agent = new Agent({
    ...parts(opened),
    ...(cloud === undefined ? {} : { cloud }),
    ...(supervisor === undefined ? {} : { supervisor }),
    host: extension.host,
    extension,
    probe: linux.probe(probeKeyOf(state), instance.id),
    state,
    instance,
    otherInstances: () => otherInstances(options.stateDir, instance.id),
    clock,
    random,
    log,
    options: agentOptions(options, {
      stateFolder: state.directory,
      storeKind: opened.kind,
      drainWaitMs: opened.seenWithinMs,
      subnetFromFile: subnetIn(file, options.subnetFile, state, log),
      version,
    }),
    guardFiles: async (links) => networkdFiles(instance.id, links),
    tunnelCounters: () => linux.tunnelCounters,
    guardFindings: () => networkdFindings(instance.id),
  });
  const wake = (): void => agent.wake();
  process.on('SIGHUP', wake);
  try {
    const end = await agent.run(signal);
    if (end.how === 'fenced')
      throw new WeftError('FENCED', end.why, {
        hint: 'weftd lease list shows who has the subnet; started again, this host takes another.',
      });
    log.info({ why: end.how }, 'weftd ends');
    return 0;
  } catch (error) {
    log.error({ code: asWeftError(error).code, error }, 'weftd ends');
    throw error;
  } finally {
    process.off('SIGHUP', wake);
    linux.close();
    cloud?.close();
    opened.close();
    await state.close();
  }
}

/** Made when the directory was opened. */
function probeKeyOf({ remembered }: StateDirectory): string {
  if (remembered.probeKey === undefined) throw new WeftError('INTERNAL', 'the state file has no probe key');
  return remembered.probeKey;
}

const parts = ({ store, records }: OpenedStore): Pick<OpenedStore, 'store' | 'records'> => ({ store, records });

const openState = (
  { stateDir, nodeId }: Invocation['options'],
  identity: string,
  cloud: OpenedCloud | undefined,
  signal: AbortSignal,
): Promise<StateDirectory> => {
  const cloudNode = cloud === undefined ? {} : { cloudNode: () => cloud.node(signal) };
  return openStateDirectory({
    directory: stateDir,
    instanceKey: [identity],
    nodeId,
    machineIdPath: MACHINE_ID,
    ...cloudNode,
  });
};

/** It is a wish for the claim: one that cannot be read is worth a word, not the start. */
async function subnetFile(file: string, log: PinoLog): Promise<ParsedSubnetFile | undefined> {
  try {
    return await readSubnetFile(file);
  } catch (error) {
    log.warn({ error }, 'subnet file cannot be read');
    return undefined;
  }
}
