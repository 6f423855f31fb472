/** The cloud whose machine this host is: by --cloud, else by what the firmware says. Its provider is loaded when there is one, not before. */
import type { Clock } from '../contracts/clock.ts';
import type { CloudInventory } from '../contracts/cloud-inventory.ts';
import type { CloudNetwork } from '../contracts/cloud-network.ts';
import type { Log } from '../contracts/log.ts';
import type { Random } from '../contracts/random.ts';
import { WeftError } from '../core/errors.ts';
import type { NodeId } from '../core/node-id.ts';
import type { Options } from '../options.ts';

export interface CloudSeams {
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: Log;
}

export interface OpenedCloud {
  readonly network: CloudNetwork;
  readonly inventory: Pick<CloudInventory, 'instances'>;
  /** This machine's id in the cloud. Waits for the metadata server. */
  node(signal: AbortSignal): Promise<NodeId>;
  close(): void;
}

/** @throws WeftError UNSUPPORTED */
export async function openCloud(
  { cloud }: Pick<Options, 'cloud'>,
  { clock, random, log }: CloudSeams,
  signal: AbortSignal,
): Promise<OpenedCloud | undefined> {
  if (cloud === 'none') return undefined;
  if (cloud === 'gce')
    throw new WeftError('UNSUPPORTED', '--cloud gce is not carried by this version', {
      hint: 'Start with --cloud none: hosts on one layer 2 reach each other directly, all others by vxlan.',
    });
  if (cloud === 'auto') {
    const { detectAws } = await import('../../providers/aws/detect.ts');
    if (!(await detectAws(signal))) return undefined;
  }
  const { openAws } = await import('../../providers/aws/open-aws.ts');
  const opened = openAws({ clock, random, onTrouble: transitions(log) });
  const { network, inventory, imds } = opened;
  return { network, inventory, node: (until) => imds.instance(until), close: () => opened.close() };
}

/** The region of the machine. Does not wait for the metadata server. @throws WeftError CLOUD_UNREACHABLE, ABORTED */
export async function machineRegion(
  { cloud }: Pick<Options, 'cloud'>,
  { clock, random }: CloudSeams,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (cloud === 'none' || cloud === 'gce') return undefined;
  if (cloud === 'auto') {
    const { detectAws } = await import('../../providers/aws/detect.ts');
    if (!(await detectAws(signal))) return undefined;
  }
  const { openAws } = await import('../../providers/aws/open-aws.ts');
  const opened = openAws({ clock, random });
  return opened.imds.regionNow(signal);
}

/** Each trouble once, and when it is over. */
export function transitions(log: Log | undefined): (error: WeftError | undefined) => void {
  let said: string | undefined;
  return (error) => {
    if (error !== undefined && error.message !== said)
      log?.warn({ code: error.code, why: error.message }, 'waiting for the metadata server');
    else if (error === undefined && said !== undefined) log?.info({}, 'metadata server answers');
    said = error?.message;
  };
}
