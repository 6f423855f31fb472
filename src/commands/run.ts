/** The daemon, put together. What the start waits for is loaded and read side by side. */
import path from 'node:path';
import { Agent } from '../agent/agent.ts';
import type { AgentOptions } from '../agent/agent-parts.ts';
import { asWeftError, WeftError } from '../core/errors.ts';
import type { Subnet } from '../core/subnet.ts';
import type { ParsedSubnetFile } from '../core/subnet-file.ts';
import { LinuxHost } from '../host/linux-host.ts';
import { networkdFiles, networkdFindings } from '../host/networkd.ts';
import { otherInstances } from '../host/other-instances.ts';
import { SharedHost } from '../host/shared-host.ts';
import { openStateDirectory, type StateDirectory } from '../host/state-directory.ts';
import { readSubnetFile } from '../host/subnet-file.ts';
import { CryptoRandom } from '../system/crypto-random.ts';
import { PinoLog } from '../system/pino-log.ts';
import type { Action, Invocation, OpenedStore } from './command.ts';
import { CONTROL_SOCKET } from './find-daemon.ts';
import { variablesNotCarried } from './read-arguments.ts';
import { requireLinux, requireNetAdmin } from './require-linux.ts';
import { machineRegion, openCloud, type OpenedCloud } from './this-cloud.ts';
import { MACHINE_ID, subnetIn, uplinkChoice } from './this-host.ts';
import { requiredStore } from './with-store.ts';

export const run: Action = async (invocation) => {
  const { options, environment } = invocation;
  requireLinux();
  const url = requiredStore(options);
  requireNetAdmin();
  const log = new PinoLog(options.logLevel);
  for (const { variable, instead } of variablesNotCarried(environment))
    log.warn({ variable, why: instead }, 'variable is passed over');
  try {
    return await runAgent(invocation, url, log);
  } finally {
    await log.flush();
  }
};

async function runAgent(invocation: Invocation, url: string, log: PinoLog): Promise<number> {
  const { options, clock, signal, version } = invocation;
  const random = new CryptoRandom();
  const [opened, cloud] = await Promise.all([
    invocation.openStore(url, {
      clock,
      random,
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
  const agent = new Agent({
    ...parts(opened),
    ...(cloud === undefined ? {} : { cloud }),
    host: new SharedHost(linux, state.claims, 'daemon'),
    probe: linux.probe(probeKeyOf(state), instance.id),
    state,
    instance,
    otherInstances: () => otherInstances(options.stateDir, instance.id),
    clock,
    random,
    log,
    options: agentOptions(options, state, opened, subnetIn(file, options.subnetFile, state, log), version),
    guardFiles: async (links) => networkdFiles(instance.id, links),
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

function agentOptions(
  options: Invocation['options'],
  state: StateDirectory,
  { kind: storeKind, seenWithinMs: drainWaitMs }: OpenedStore,
  subnetFromFile: Subnet | undefined,
  version: string,
): AgentOptions {
  const { healthListen, allowRenumber, resync, subnetFile: subnetPath } = options;
  return {
    uplink: uplinkChoice(options),
    subnetFile: subnetPath,
    subnetFromFile,
    // This version sets no masquerade rules: whoever reads the file does, as Docker by itself.
    ipMasq: false,
    ipMasqFullyRandom: true,
    acceptForwarded: true,
    firewallResyncMs: 5000,
    health: healthListen === 'off' ? undefined : healthListen,
    controlSocket: path.join(state.directory, CONTROL_SOCKET),
    allowRenumber,
    resyncMs: resync,
    drainWaitMs,
    version,
    storeKind,
  };
}
