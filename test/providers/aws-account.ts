/** The emulated account of the lab, asked by our own provider through the real SDK, on the account's clock. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwsInventory } from '../../providers/aws/aws-inventory.ts';
import { AwsNetwork } from '../../providers/aws/aws-network.ts';
import { connectEc2, type Ec2Connection } from '../../providers/aws/client.ts';
import { Imds } from '../../providers/aws/imds.ts';
import { MetadataClient } from '../../providers/aws/metadata-client.ts';
import { connectLifecycle } from '../../providers/aws/lifecycle-client.ts';
import { connectQuotas } from '../../providers/aws/quota-client.ts';
import type { SdkConnection } from '../../providers/aws/sdk.ts';
import type { WeftError } from '../../src/core/errors.ts';
import { contains, parseSubnet, type Subnet } from '../../src/core/subnet.ts';
import { planned, type VpcPlan } from '../../src/lab/aws/account.ts';
import { metadataServer } from '../../src/lab/aws/metadata-server.ts';
import { having } from '../../src/lab/aws/model.ts';
import type { AwsSettings } from '../../src/lab/aws/settings.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { AccountFixture, REGION } from '../lab/aws/account-fixture.ts';
import { ForeignWatch } from '../lab/aws/foreign-watch.ts';

export const NETWORK = parseSubnet('10.42.0.0/16');

export interface AwsHost {
  readonly network: AwsNetwork;
  readonly inventory: AwsInventory;
  readonly imds: Imds;
  readonly connection: Ec2Connection;
  /** What was said of the metadata server. */
  readonly troubles: (WeftError | undefined)[];
}

/** Short ones are for tests in which an answer never comes. */
export interface HostLimits {
  readonly requestTimeoutMs?: number;
  readonly metadataTimeoutMs?: number;
}

/** Longer than any answer takes that comes. */
const PATIENT_MS = 20_000;

interface HostOptions extends HostLimits {
  readonly lookMs?: number;
}

/** What the clients of all services have. */
interface SigningClient {
  readonly config: {
    credentials: () => Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string }>;
  };
}

export class AwsAccount {
  readonly account: AccountFixture;
  readonly foreigners: ForeignWatch;
  readonly #metadata: Server;
  readonly #connections: { close(): void }[] = [];
  /** Whose metadata are asked for: all requests of a test come from one address. */
  asker = 'a1';

  private constructor(account: AccountFixture) {
    this.account = account;
    this.foreigners = new ForeignWatch(account.cloud);
    this.#metadata = metadataServer(account.cloud, () =>
      account.cloud.state.instances.get(planned.instance(this.asker)),
    );
  }

  static async start(settings: Partial<AwsSettings> = {}, plans?: readonly VpcPlan[]): Promise<AwsAccount> {
    const account = new AwsAccount(await AccountFixture.start(settings, plans));
    await new Promise<void>((resolve) => account.#metadata.listen(0, '127.0.0.1', resolve));
    return account;
  }

  get cloud(): AccountFixture['cloud'] {
    return this.account.cloud;
  }

  get clock(): AccountFixture['clock'] {
    return this.account.clock;
  }

  get metadataUrl(): string {
    return `http://127.0.0.1:${(this.#metadata.address() as AddressInfo).port}`;
  }

  /** The provider as a host of this name has it. */
  host(who = 'a1', options: HostOptions = {}): AwsHost {
    const { clock, cloud, account } = this;
    const { id, secret } = cloud.credentials.add(who);
    const limits = { connectTimeoutMs: PATIENT_MS, requestTimeoutMs: options.requestTimeoutMs ?? PATIENT_MS };
    const sdk = { region: REGION, endpoint: account.url, ...limits };
    const signing = <Api, Client extends SigningClient>(
      connection: SdkConnection<Api, Client>,
    ): SdkConnection<Api, Client> => {
      this.#connections.push(connection);
      const { config } = connection.client;
      config.credentials = async () => ({ accessKeyId: id, secretAccessKey: secret });
      // Signatures are made by the account's clock, which the test moves.
      Object.defineProperty(config, 'systemClockOffset', {
        get: () => cloud.clock.wallTime() - Date.now(),
        set: (_offset: number) => {},
      });
      return connection;
    };
    const connection = signing(connectEc2(sdk));
    const quotas = signing(connectQuotas(sdk));
    const lifecycle = signing(connectLifecycle(sdk));
    const troubles: (WeftError | undefined)[] = [];
    const random = new SeededRandom(1);
    const metadata = new MetadataClient({
      clock,
      endpoint: this.metadataUrl,
      timeoutMs: options.metadataTimeoutMs ?? PATIENT_MS,
    });
    const imds = new Imds({ metadata, clock, random, onTrouble: (error) => troubles.push(error) });
    const parts = { ec2: async () => connection.api, clock, random };
    return {
      network: new AwsNetwork({ ...parts, imds, lookMs: options.lookMs ?? 0 }),
      inventory: new AwsInventory({ ...parts, quotas: async () => quotas.api, lifecycle: async () => lifecycle.api }),
      imds,
      connection,
      troubles,
    };
  }

  /** A route made by somebody else, past the API. */
  foreign(table: string, destination: Subnet, target: string): void {
    this.cloud.timeline.change((state) => {
      const found = state.tables.get(table);
      if (found === undefined) throw new Error(`no table ${table}`);
      const to = target.startsWith('eni-')
        ? ({ kind: 'interface', id: target } as const)
        : ({ kind: 'gateway', id: target } as const);
      const routes = having(found.routes, destination, { destination, origin: 'CreateRoute', target: to });
      return { ...state, tables: having(state.tables, table, { ...found, routes }) };
    });
  }

  /** One that the caller knows from its ledger, and may name as what it expects. */
  standing(table: string, destination: Subnet, target: string): void {
    this.foreign(table, destination, target);
    this.foreigners.vouch(table, destination, target);
  }

  /** "TABLE DESTINATION TARGET" of all routes in 10.42.0.0/16, sorted: what is true, whatever is visible yet. */
  text(): string[] {
    return [...this.cloud.state.tables.values()]
      .flatMap(({ id, routes }) =>
        [...routes.values()].flatMap(({ destination, target }) =>
          contains(NETWORK, destination)
            ? [`${id} ${destination} ${target.kind === 'local' ? 'local' : target.id}`]
            : [],
        ),
      )
      .toSorted();
  }

  /** "CreateRoute ok", those that could change something, as the journal has them. */
  mutations(): string[] {
    return this.cloud.journal.entries
      .filter(({ mutating }) => mutating)
      .map(({ action, outcome }) => `${action} ${outcome}`);
  }

  /** @throws AssertionError when a call has touched what is not ours */
  async close(): Promise<void> {
    for (const connection of this.#connections) connection.close();
    this.#metadata.closeAllConnections();
    await new Promise((resolve) => this.#metadata.close(resolve));
    await this.account.close();
    this.foreigners.assertNone();
  }
}
