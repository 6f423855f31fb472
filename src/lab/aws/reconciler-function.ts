/** The reconciler as a Lambda function of the lab's account: its bundle as it ships, its role, and what wakes it. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { WeftError } from '../../core/errors.ts';
import { DEFAULT_LIFECYCLE_HOOK } from '../../core/lifecycle-hook.ts';
import { inNetworkNamespace } from '../../native/network-namespace.ts';
import { insideOf, namespacePath } from '../namespaces.ts';
import { planned } from './account.ts';
import { ACCOUNT, type EmulatedAws } from './cloud.ts';
import { deployedEvents, deployedStream } from './deployed-wakes.ts';
import type { DynamoUpstream } from './dynamodb-upstream.ts';
import type { RuntimePlace } from './lambda-runtime.ts';
import { LambdaService } from './lambda-service.ts';
import { wakeByEvents, wakeBySchedule, wakeByTable } from './lambda-sources.ts';

export const RECONCILER_ROLE = 'weft-reconciler';

const NAME = 'weft-routes';
const TIMEOUT_MS = 60_000;

export interface FunctionWish {
  readonly cloud: EmulatedAws;
  /** The daemon's bundle: the function's lies beside it. */
  readonly executable: string;
  /** Name of the VPC whose tables it keeps. */
  readonly vpc: string;
  /** Where it runs: it reaches the store and the cloud's API from there. */
  readonly namespace: string;
  /** URL of the store, and where the AWS SDK finds store and cloud. */
  readonly store: string;
  readonly endpoints: Readonly<Record<'AWS_ENDPOINT_URL' | 'AWS_ENDPOINT_URL_DYNAMODB', string>>;
  /** Its stream wakes the function too; undefined: the store is no DynamoDB. */
  readonly table: { readonly upstream: DynamoUpstream; readonly name: string; readonly network: string } | undefined;
  /** Deployed it is a minute; people who watch a lab have less patience. */
  readonly everyMs: number;
  /** Names of the Auto Scaling groups whose machines it lets go. */
  readonly groups: readonly string[];
}

/** Invoked from now on, until it is closed. */
export function deployReconciler(wish: FunctionWish): LambdaService {
  const { cloud, executable, vpc, namespace, store, endpoints, table, everyMs, groups } = wish;
  const folder = path.join(path.dirname(executable), 'lambda');
  if (!existsSync(path.join(folder, 'index.mjs'))) {
    throw new WeftError('LAB_FAILED', `the bundle of the function is not in ${folder}`, { hint: 'npm run build' });
  }
  const { id, secret } = cloud.credentials.add('reconciler', { kind: 'role', name: RECONCILER_ROLE, session: NAME });
  const environment = {
    WEFT_STORE: store,
    WEFT_VPC: planned.vpc(vpc),
    WEFT_LIFECYCLE_HOOK: DEFAULT_LIFECYCLE_HOOK,
    ...endpoints,
    AWS_ACCESS_KEY_ID: id,
    AWS_SECRET_ACCESS_KEY: secret,
  };
  const plan = {
    name: NAME,
    account: ACCOUNT,
    region: cloud.region,
    folder,
    handler: 'index.handler',
    environment,
    timeoutMs: TIMEOUT_MS,
  };
  const service = new LambdaService(plan, { clock: cloud.clock, place: placeIn(namespace) });
  wakeByEvents(service, cloud.events, deployedEvents(groups, DEFAULT_LIFECYCLE_HOOK));
  void wakeBySchedule(service, everyMs);
  if (table !== undefined) {
    const { upstream, name, network } = table;
    void wakeByTable(service, { upstream, table: name, ...deployedStream(network) });
  }
  return service;
}

const placeIn = (namespace: string): RuntimePlace => ({
  listen: (server) =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.once('listening', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? `127.0.0.1:${address.port}` : '');
      });
      // At every address of the namespace: with a named one Node would look it up first, and be in another namespace by then.
      inNetworkNamespace(namespacePath(namespace), () => server.listen(0));
    }),
  command: (words) => insideOf(namespace, words),
});
