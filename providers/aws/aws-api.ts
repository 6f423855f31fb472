/** The APIs of one region, behind our seams. */
import type { CloudInventory } from '../../src/contracts/cloud-inventory.ts';
import type { CloudNetwork } from '../../src/contracts/cloud-network.ts';
import type { Clock } from '../../src/contracts/clock.ts';
import type { Random } from '../../src/contracts/random.ts';
import { AwsInventory } from './aws-inventory.ts';
import { AwsNetwork } from './aws-network.ts';
import { connectEc2 } from './client.ts';
import type { Imds } from './imds.ts';
import { Pace } from './pace.ts';
import type { SdkConnection, SdkOptions } from './sdk.ts';

export interface ApiOptions extends Partial<Omit<SdkOptions, 'region'>> {
  readonly clock: Clock;
  readonly random: Random;
  readonly imds: Pick<Imds, 'identify'>;
  /** How old a look at a table may be on which a replacement or a removal rests; 0 when not given (AwsNetworkParts). */
  readonly lookMs?: number;
  regionOf(signal: AbortSignal): Promise<string>;
}

export interface AwsApi {
  readonly network: CloudNetwork;
  readonly inventory: CloudInventory;
  close(): void;
}

export function makeApi({ clock, random, imds, lookMs, regionOf, ...wish }: ApiOptions): AwsApi {
  const open: { close(): void }[] = [];
  /** An SDK is large: nobody loads more of them than he calls. */
  function later<Api, Client>(
    load: () => Promise<(options: SdkOptions) => SdkConnection<Api, Client>>,
  ): (signal: AbortSignal) => Promise<Api> {
    let connecting: Promise<Api> | undefined;
    const connect = async (signal: AbortSignal): Promise<Api> => {
      const [make, region] = await Promise.all([load(), regionOf(signal)]);
      const connection = make({ ...wish, region });
      open.push(connection);
      return connection.api;
    };
    return async (signal) => {
      connecting ??= connect(signal);
      try {
        return await connecting;
      } catch (error) {
        connecting = undefined;
        throw error;
      }
    };
  }
  const ec2 = later(async () => connectEc2);
  const quotas = later(async () => (await import('./quota-client.ts')).connectQuotas);
  const lifecycle = later(async () => (await import('./lifecycle-client.ts')).connectLifecycle);
  const parts = { ec2, clock, random, pace: new Pace({ clock, random }) };
  return {
    network: new AwsNetwork({ ...parts, imds, ...(lookMs === undefined ? {} : { lookMs }) }),
    inventory: new AwsInventory({ ...parts, quotas, lifecycle }),
    close: () => {
      for (const connection of open) connection.close();
    },
  };
}
