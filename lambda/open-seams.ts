/** Store and cloud as the settings name them. What is open stays open: the next run in this environment finds it warm. */
import { openAwsApi } from '../providers/aws/open-aws.ts';
import { openDynamoStore } from '../providers/dynamodb/open-store.ts';
import type { Clock } from '../src/contracts/clock.ts';
import type { Random } from '../src/contracts/random.ts';
import { PinnedNetwork } from '../src/reconcile/pinned-network.ts';
import type { ReconcilerParts } from '../src/reconcile/reconciler-parts.ts';
import type { LambdaSettings } from './settings.ts';

export type OpenedSeams = Pick<ReconcilerParts, 'store' | 'records' | 'cloud' | 'inventory'>;

export interface TimeAndChance {
  readonly clock: Clock;
  readonly random: Random;
}

/** A run removes hundreds of routes by one look at their table. Whoever else writes there is met by the look behind the writing. */
const LOOK_MS = 5000;

/** Region and credentials come from the environment: nobody asks a metadata server, which a Lambda has not. */
export async function openSeams(settings: LambdaSettings, { clock, random }: TimeAndChance): Promise<OpenedSeams> {
  const { store, records } = await openStore(settings, { clock, random });
  const { network, inventory } = openAwsApi({
    clock,
    random,
    region: settings.region,
    credentials: 'environment',
    lookMs: LOOK_MS,
  });
  const { within } = settings;
  return {
    store: within === undefined ? store : new PinnedNetwork(store, within),
    records,
    cloud: network,
    inventory,
  };
}

async function openStore(
  { store: url, etcdPassword }: LambdaSettings,
  seams: TimeAndChance,
): Promise<Pick<OpenedSeams, 'store' | 'records'>> {
  if (!url.startsWith('etcd:')) return openDynamoStore(url, seams);
  // A second megabyte, which no run with DynamoDB reads.
  const { openEtcdStore } = await import('../providers/etcd/open-store.ts');
  return openEtcdStore(url, { ...seams, ...(etcdPassword === undefined ? {} : { password: etcdPassword }) });
}
