/** AWS put together: identity from the metadata server, the rest from the EC2 API of the region that it names. */
import type { Clock } from '../../src/contracts/clock.ts';
import type { Random } from '../../src/contracts/random.ts';
import type { WeftError } from '../../src/core/errors.ts';
import { AwsInventory } from './aws-inventory.ts';
import { AwsNetwork } from './aws-network.ts';
import type { Ec2Api, Ec2Connection, Ec2Options } from './client.ts';
import { Imds } from './imds.ts';
import { MetadataClient } from './metadata-client.ts';

export interface AwsOptions extends Partial<Ec2Options> {
  readonly clock: Clock;
  readonly random: Random;
  /** Else AWS_EC2_METADATA_SERVICE_ENDPOINT, or the usual address. */
  readonly metadataEndpoint?: string;
  /** What is wrong with the metadata server while it is waited for; undefined: it answers again. */
  readonly onTrouble?: (error: WeftError | undefined) => void;
}

export interface OpenedAws {
  readonly imds: Imds;
  readonly network: AwsNetwork;
  readonly inventory: AwsInventory;
  close(): void;
}

export function openAws({ clock, random, metadataEndpoint, onTrouble, ...wish }: AwsOptions): OpenedAws {
  const metadata = new MetadataClient({
    clock,
    ...(metadataEndpoint === undefined ? {} : { endpoint: metadataEndpoint }),
  });
  const imds = new Imds({ metadata, clock, random, ...(onTrouble === undefined ? {} : { onTrouble }) });
  let connection: Promise<Ec2Connection> | undefined;
  const connect = async (signal: AbortSignal): Promise<Ec2Connection> => {
    // The SDK is large, and nobody needs it before subnet.env is written.
    const [{ connectEc2 }, region] = await Promise.all([import('./client.ts'), wish.region ?? imds.region(signal)]);
    return connectEc2({ ...wish, region });
  };
  const ec2 = async (signal: AbortSignal): Promise<Ec2Api> => {
    connection ??= connect(signal);
    try {
      return (await connection).api;
    } catch (error) {
      connection = undefined;
      throw error;
    }
  };
  const parts = { ec2, clock, random };
  return {
    imds,
    network: new AwsNetwork({ ...parts, imds }),
    inventory: new AwsInventory(parts),
    close: () => void connection?.then((one) => one.close()).catch(() => undefined),
  };
}
