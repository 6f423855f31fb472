/** The cloud whose route tables a reconciler keeps: which region and which networks, and the right to ask it. */
import { within } from '../agent/within.ts';
import type { CloudInventory } from '../contracts/cloud-inventory.ts';
import type { CloudNetwork } from '../contracts/cloud-network.ts';
import { WeftError } from '../core/errors.ts';
import type { Options } from '../options.ts';
import { transitions, type CloudSeams } from './this-cloud.ts';

export interface ReconciledCloud {
  readonly network: CloudNetwork;
  readonly inventory: CloudInventory;
  /** AWS: VPC ids; at least one. */
  readonly networks: readonly string[];
  close(): void;
}

type Wish = Pick<Options, 'cloud' | 'region' | 'vpc'>;

/** @param patienceMs for the metadata server, where it is to say what no option says */
export type OpenReconciledCloud = (
  wish: Wish,
  seams: CloudSeams,
  patienceMs: number,
  signal: AbortSignal,
) => Promise<ReconciledCloud>;

/** One reader writes all: what he has seen a moment ago still stands when he replaces or removes it, or the next look tells. */
const LOOK_MS = 10_000;

/** What a machine of AWS knows of itself. */
interface Machine {
  region(signal: AbortSignal): Promise<string>;
  network(signal: AbortSignal): Promise<string>;
}

/** @throws WeftError BAD_OPTION, UNSUPPORTED, CLOUD_UNREACHABLE, ABORTED */
export const openReconciledCloud: OpenReconciledCloud = async (wish, { clock, random, log }, patienceMs, signal) => {
  if (wish.cloud === 'gce')
    throw new WeftError('UNSUPPORTED', '--cloud gce is not carried by this version', {
      hint: 'Route tables of AWS are kept: leave --cloud out, and name --region and --vpc.',
    });
  const [{ openAws, openAwsApi }, { namedRegion }] = await Promise.all([
    import('../../providers/aws/open-aws.ts'),
    import('../../providers/aws/named-region.ts'),
  ]);
  const named = wish.region ?? (await namedRegion());
  const seams = { clock, random, onTrouble: transitions(log) };
  const machine: Machine | undefined = (await isMachineOfAws(wish.cloud, signal)) ? openAws(seams).imds : undefined;
  const ask = async (what: keyof Machine, option: string): Promise<string> => {
    if (machine === undefined) throw unknown(option);
    const said = await within(clock, patienceMs, signal, (soon) => machine[what](soon));
    if (said === undefined)
      throw new WeftError('CLOUD_UNREACHABLE', "this machine's metadata server does not answer", {
        hint: `Name ${option}.`,
      });
    return said;
  };
  const region = named ?? (await ask('region', '--region'));
  const networks = wish.vpc.length > 0 ? [...new Set(wish.vpc)] : [await ask('network', '--vpc')];
  if (wish.vpc.length === 0 && named !== undefined) refuseElsewhere(named, await ask('region', '--vpc'));
  const { network, inventory, close } = openAwsApi({ clock, random, region, lookMs: LOOK_MS });
  return { network, inventory, networks, close };
};

async function isMachineOfAws(cloud: Wish['cloud'], signal: AbortSignal): Promise<boolean> {
  if (cloud !== 'auto') return cloud === 'aws';
  const { detectAws } = await import('../../providers/aws/detect.ts');
  return detectAws(signal);
}

const unknown = (option: string): WeftError =>
  option === '--region'
    ? new WeftError('BAD_OPTION', 'no region is known: this is no machine of AWS, or is not told to be one', {
        hint: 'Name it with --region or AWS_REGION, or choose a profile that has one (AWS_PROFILE).',
      })
    : new WeftError('BAD_OPTION', 'no VPC is named, and this is no machine of AWS, or is not told to be one', {
        hint: 'Name whose route tables are kept: --vpc vpc-0123456789abcdef0, once for each.',
      });

function refuseElsewhere(named: string, own: string): void {
  if (named === own) return;
  throw new WeftError('BAD_OPTION', `the region is ${named}, and this machine's own VPC is in ${own}`, {
    hint: 'Name the VPCs that are meant with --vpc, or leave the region out.',
  });
}
