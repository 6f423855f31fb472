/** The emulated account without a lab around it: HTTP servers on the loopback device, for the tests of other programs. Nothing here needs root; nothing carries packets. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { WeftError } from '../../core/errors.ts';
import { SystemClock } from '../../system/system-clock.ts';
import { buildAccount } from './account.ts';
import type { AccountPlan } from './account-plan.ts';
import { apiServer } from './api-server.ts';
import { EmulatedAws } from './cloud.ts';
import { dynamoDBGate } from './dynamodb-gate.ts';
import { DynamoUpstream } from './dynamodb-upstream.ts';
import { operate } from './lab-operations.ts';
import { find } from './lab-orders.ts';
import { metadataServer } from './metadata-server.ts';

const HOST = '127.0.0.1';

export interface StandaloneOptions {
  /** Of the API; 0: one that is free. */
  readonly port: number;
  /** Name of the instance as whom everybody is served who asks the metadata server; undefined: there is none. */
  readonly metadata?: string;
  /** URL of a DynamoDB emulator to put the gate before; undefined: no gate. */
  readonly dynamodb?: string;
}

export class StandaloneAws {
  readonly cloud: EmulatedAws;
  /** What programs need to find it, and to be somebody in it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #servers: readonly Server[];

  private constructor(cloud: EmulatedAws, environment: Readonly<Record<string, string>>, servers: readonly Server[]) {
    this.cloud = cloud;
    this.environment = environment;
    this.#servers = servers;
  }

  /** Resolves when it serves. @throws WeftError BAD_OPTION for what the plan or the options have wrong */
  static async start(plan: AccountPlan, options: StandaloneOptions): Promise<StandaloneAws> {
    const { region, settings, users } = plan;
    const cloud = made(() => {
      const account = new EmulatedAws({ state: buildAccount(plan.vpcs), clock: new SystemClock(), region, settings });
      account.policies.attach(plan.policies);
      for (const order of plan.orders) operate(account, order);
      return account;
    });
    const servers: Server[] = [];
    const serve = async (server: Server, port: number): Promise<string> => {
      servers.push(server);
      await once(server.listen(port, HOST), 'listening');
      const place = server.address();
      return `http://${HOST}:${typeof place === 'object' ? place?.port : port}`;
    };
    try {
      const [first] = users.map((name) => cloud.credentials.add(name));
      const url = await serve(apiServer(cloud), options.port);
      const { metadata, dynamodb } = options;
      const asker = metadata === undefined ? undefined : made(() => find(cloud.state, 'i', metadata));
      const environment = {
        AWS_ENDPOINT_URL_EC2: url,
        AWS_ENDPOINT_URL_AUTO_SCALING: url,
        AWS_ENDPOINT_URL_SERVICE_QUOTAS: url,
        ...(dynamodb === undefined
          ? {}
          : { AWS_ENDPOINT_URL_DYNAMODB: await serve(dynamoDBGate(cloud, new DynamoUpstream(dynamodb)), 0) }),
        AWS_REGION: region,
        // The first version of the AWS CLI knows this one alone.
        AWS_DEFAULT_REGION: region,
        ...(first === undefined ? {} : { AWS_ACCESS_KEY_ID: first.id, AWS_SECRET_ACCESS_KEY: first.secret }),
        ...(asker === undefined
          ? { AWS_EC2_METADATA_DISABLED: 'true' }
          : {
              AWS_EC2_METADATA_SERVICE_ENDPOINT: await serve(
                metadataServer(cloud, () => cloud.state.instances.get(asker)),
                0,
              ),
            }),
        WEFT_LAB_AWS: url,
      };
      return new StandaloneAws(cloud, environment, servers);
    } catch (error) {
      cloud.close();
      for (const server of servers) server.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.cloud.close();
    await Promise.all(
      this.#servers.map((server) => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      }),
    );
  }
}

function made<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new WeftError(
      'BAD_OPTION',
      `this account cannot be made: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
  }
}
