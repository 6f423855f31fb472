/** AWS put together: who we are from the metadata server, the rest from the APIs of one region. */
import { WeftError } from '../../src/core/errors.ts';
import type { ApiOptions, AwsApi } from './aws-api.ts';
import { Imds } from './imds.ts';
import { MetadataClient } from './metadata-client.ts';

interface Wish extends Omit<ApiOptions, 'imds' | 'regionOf'> {
  readonly region?: string;
}

export interface AwsOptions extends Wish {
  /** Else AWS_EC2_METADATA_SERVICE_ENDPOINT, or the usual address. */
  readonly metadataEndpoint?: string;
  /** What is wrong with the metadata server while it is waited for; undefined: it answers again. */
  readonly onTrouble?: (error: WeftError | undefined) => void;
}

export interface OpenedAws extends AwsApi {
  readonly imds: Imds;
}

/** On an instance. */
export function openAws({ metadataEndpoint, onTrouble, region, ...wish }: AwsOptions): OpenedAws {
  const { clock, random } = wish;
  const metadata = new MetadataClient({
    clock,
    ...(metadataEndpoint === undefined ? {} : { endpoint: metadataEndpoint }),
  });
  const imds = new Imds({ metadata, clock, random, ...(onTrouble === undefined ? {} : { onTrouble }) });
  return { imds, ...onDemand({ ...wish, imds, regionOf: async (signal) => region ?? imds.region(signal) }) };
}

/**
 * Where no metadata server is, or none shall be asked: a Lambda (with `credentials: 'environment'`), an operator's own machine. The region is the one
 * that is given, else AWS_REGION's or AWS_DEFAULT_REGION's. @throws WeftError BAD_OPTION without any
 */
export function openAwsApi({ region: given, ...wish }: Wish): AwsApi {
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  const region = [given, AWS_REGION, AWS_DEFAULT_REGION].find((it) => it !== undefined && it !== '');
  if (region === undefined) throw new WeftError('BAD_OPTION', 'no region is named', { hint: 'Set AWS_REGION.' });
  const imds: ApiOptions['imds'] = {
    identify: () => Promise.reject(new WeftError('CLOUD_NOT_FOUND', 'this process runs on no instance')),
  };
  return onDemand({ ...wish, imds, regionOf: async () => region });
}

/** What calls the APIs comes with an SDK, and nobody needs that before subnet.env is written. */
function onDemand(options: ApiOptions): AwsApi {
  let loading: Promise<AwsApi> | undefined;
  const api = (): Promise<AwsApi> => (loading ??= import('./aws-api.ts').then(({ makeApi }) => makeApi(options)));
  return {
    network: {
      identify: (...asked) => options.imds.identify(...asked),
      prepare: async (...asked) => (await api()).network.prepare(...asked),
      tables: async (...asked) => (await api()).network.tables(...asked),
      putRoute: async (...asked) => (await api()).network.putRoute(...asked),
      removeRoute: async (...asked) => (await api()).network.removeRoute(...asked),
    },
    inventory: {
      instances: async (...asked) => (await api()).inventory.instances(...asked),
      interfaces: async (...asked) => (await api()).inventory.interfaces(...asked),
      routeQuota: async (...asked) => (await api()).inventory.routeQuota(...asked),
      completeLifecycle: async (...asked) => (await api()).inventory.completeLifecycle(...asked),
    },
    close: () => void loading?.then((made) => made.close()).catch(() => undefined),
  };
}
