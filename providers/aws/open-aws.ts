/** AWS put together: who we are from the metadata server, the rest from the APIs of one region. */
import type { Clock } from '../../src/contracts/clock.ts';
import type { Random } from '../../src/contracts/random.ts';
import { WeftError } from '../../src/core/errors.ts';
import { AwsInventory } from './aws-inventory.ts';
import { AwsNetwork } from './aws-network.ts';
import { Imds } from './imds.ts';
import { MetadataClient } from './metadata-client.ts';
import { Pace } from './pace.ts';
import type { SdkConnection, SdkOptions } from './sdk.ts';

interface Shared extends Partial<SdkOptions> {
  readonly clock: Clock;
  readonly random: Random;
  /** How old a look at a table may be on which a replacement or a removal rests; 0 when not given (AwsNetworkParts). */
  readonly lookMs?: number;
}

export interface AwsOptions extends Shared {
  /** Else AWS_EC2_METADATA_SERVICE_ENDPOINT, or the usual address. */
  readonly metadataEndpoint?: string;
  /** What is wrong with the metadata server while it is waited for; undefined: it answers again. */
  readonly onTrouble?: (error: WeftError | undefined) => void;
}

export interface OpenedApi {
  readonly network: AwsNetwork;
  readonly inventory: AwsInventory;
  close(): void;
}

export interface OpenedAws extends OpenedApi {
  readonly imds: Imds;
}

/** On an instance. */
export function openAws({ metadataEndpoint, onTrouble, ...shared }: AwsOptions): OpenedAws {
  const { clock, random, region } = shared;
  const metadata = new MetadataClient({
    clock,
    ...(metadataEndpoint === undefined ? {} : { endpoint: metadataEndpoint }),
  });
  const imds = new Imds({ metadata, clock, random, ...(onTrouble === undefined ? {} : { onTrouble }) });
  return { imds, ...opened(shared, imds, async (signal) => region ?? imds.region(signal)) };
}

/**
 * Where no metadata server is, or none shall be asked: a Lambda (with `credentials: 'environment'`), an operator's own machine. The region is the one
 * that is given, else AWS_REGION's or AWS_DEFAULT_REGION's. @throws WeftError BAD_OPTION without any
 */
export function openAwsApi(shared: Shared): OpenedApi {
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  const region = [shared.region, AWS_REGION, AWS_DEFAULT_REGION].find((it) => it !== undefined && it !== '');
  if (region === undefined) throw new WeftError('BAD_OPTION', 'no region is named', { hint: 'Set AWS_REGION.' });
  const nobody: Pick<Imds, 'identify'> = {
    identify: () => Promise.reject(new WeftError('CLOUD_NOT_FOUND', 'this process runs on no instance')),
  };
  return opened(shared, nobody, async () => region);
}

function opened(
  { clock, random, lookMs, ...wish }: Shared,
  imds: Pick<Imds, 'identify'>,
  regionOf: (signal: AbortSignal) => Promise<string>,
): OpenedApi {
  const connections: Promise<{ close(): void }>[] = [];
  /** SDKs are large, and nobody needs one before subnet.env is written, nor more of them than he calls. */
  function later<Api, Client>(
    load: () => Promise<(options: SdkOptions) => SdkConnection<Api, Client>>,
  ): (signal: AbortSignal) => Promise<Api> {
    let connection: Promise<SdkConnection<Api, Client>> | undefined;
    const connect = async (signal: AbortSignal): Promise<SdkConnection<Api, Client>> => {
      const [make, region] = await Promise.all([load(), regionOf(signal)]);
      return make({ ...wish, region });
    };
    return async (signal) => {
      if (connection === undefined) connections.push((connection = connect(signal)));
      try {
        return (await connection).api;
      } catch (error) {
        connection = undefined;
        throw error;
      }
    };
  }
  const ec2 = later(async () => (await import('./client.ts')).connectEc2);
  const quotas = later(async () => (await import('./quota-client.ts')).connectQuotas);
  const lifecycle = later(async () => (await import('./lifecycle-client.ts')).connectLifecycle);
  const parts = { ec2, clock, random, pace: new Pace({ clock, random }) };
  return {
    network: new AwsNetwork({ ...parts, imds, ...(lookMs === undefined ? {} : { lookMs }) }),
    inventory: new AwsInventory({ ...parts, quotas, lifecycle }),
    close: () => {
      for (const connection of connections) connection.then((one) => one.close()).catch(() => undefined);
    },
  };
}
