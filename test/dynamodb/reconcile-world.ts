/** weftd reconcile as processes: what ships, against the emulated AWS and a DynamoDB on loopback, by the clock of the machine. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { openDynamoStore, type DynamoStore } from '../../providers/dynamodb/open-store.ts';
import type { StoredRecord, RecordKind } from '../../src/contracts/records.ts';
import { parseAddress } from '../../src/core/address.ts';
import type { JsonValue } from '../../src/core/json.ts';
import type { Lease } from '../../src/core/lease.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { contains, parseSubnet } from '../../src/core/subnet.ts';
import { buildAccount, planned } from '../../src/lab/aws/account.ts';
import { apiServer } from '../../src/lab/aws/api-server.ts';
import { EmulatedAws } from '../../src/lab/aws/cloud.ts';
import { metadataServer } from '../../src/lab/aws/metadata-server.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import { never } from '../contract/store-world.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { PLAN, REGION } from '../lab/aws/account-fixture.ts';
import { ForeignWatch } from '../lab/aws/foreign-watch.ts';
import { startDynamoDB, type TestDynamoDB } from './emulator.ts';

export const VPC = planned.vpc('lab');
const NETWORK = parseSubnet('10.42.0.0/16');
const MAIN = path.resolve('dist/weftd.mjs');
const TABLE = 'weft';

export interface Ended {
  readonly out: string;
  readonly err: string;
  readonly exit: number | null;
}

/** A service that runs until it is told to end. */
export class ServiceProcess {
  readonly name: string;
  readonly child: ChildProcess;
  said = '';
  readonly ended: Promise<number | null>;

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.said += text));
    this.ended = new Promise((resolve) => child.once('exit', resolve));
  }

  get leads(): boolean {
    return /this reconciler leads"/.test(this.said);
  }
}

export class ReconcileWorld {
  readonly cloud: EmulatedAws;
  readonly foreigners: ForeignWatch;
  readonly store: DynamoStore;
  readonly #dynamodb: TestDynamoDB;
  readonly #servers: readonly Server[];
  readonly #services: ServiceProcess[] = [];
  readonly #url: string;

  private constructor(cloud: EmulatedAws, dynamodb: TestDynamoDB, servers: readonly Server[], network: string) {
    const clock = new SystemClock();
    this.cloud = cloud;
    this.foreigners = new ForeignWatch(cloud);
    this.#dynamodb = dynamodb;
    this.#servers = servers;
    this.#url = `dynamodb://${TABLE}?network=${network}&region=${REGION}&poll=1s`;
    this.store = openDynamoStore(this.#url, { clock, random: new SeededRandom(1), endpoint: dynamodb.endpoint });
  }

  static async start(config: JsonValue): Promise<ReconcileWorld> {
    const instances = PLAN.instances.map((it) => ({ ...it, tags: { 'weft:node': '' } }));
    const state = buildAccount([{ ...PLAN, instances }]);
    const cloud = new EmulatedAws({ state, clock: new SystemClock(), region: REGION });
    const api = apiServer(cloud);
    const metadata = metadataServer(cloud, () => cloud.state.instances.get(planned.instance('a1')));
    for (const server of [api, metadata]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const world = new ReconcileWorld(cloud, await startDynamoDB(), [api, metadata], 'n1');
    await world.store.create(never());
    await world.store.store.writeConfig(JSON.stringify(config), undefined, never());
    return world;
  }

  /** A node's lease, as its daemon would have written it. */
  async claim(name: string, subnet: string, table: string): Promise<Lease> {
    const publicIP = parseAddress(PLAN.instances.find((it) => it.name === name)?.address ?? '10.0.9.9');
    const node = parseNodeId(planned.instance(name));
    const target = planned.interface(name);
    const fabric = { provider: 'aws', network: VPC, subnet: planned.subnet(subnet), target };
    const weft = { node, incarnation: 1, mtuBytes: 9001, fabric, table: planned.table(table) };
    const range = {
      network: NETWORK,
      subnetLength: 24,
      min: parseAddress('10.42.1.0'),
      max: parseAddress('10.42.255.0'),
    };
    const wish = { node, publicIP, range, within: [], mayRenumber: true, ttlMs: 24 * 3_600_000 };
    const { lease } = await this.store.store.claim({ ...wish, attributes: () => ({ publicIP, weft }) }, never());
    return lease;
  }

  /** Runs to the end, signed as `who`. */
  async reconcile(words: string, who = 'operator', more: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const child = this.#spawn(words, who, more);
    let [out, err] = ['', ''];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
    const exit = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { out, err, exit };
  }

  service(
    who: string,
    words = `--vpc ${VPC} --every 10s`,
    more: Readonly<Record<string, string>> = {},
  ): ServiceProcess {
    const made = new ServiceProcess(who, this.#spawn(words, who, more));
    this.#services.push(made);
    return made;
  }

  /** "TABLE DESTINATION TARGET" of all routes in the Network, sorted. */
  get routes(): string[] {
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

  /** Calls that could change something, and whose they were, since the last question. */
  mutations(): string[] {
    const made = this.cloud.journal.entries.filter(({ mutating }) => mutating);
    this.cloud.journal.clear();
    return made.map(({ who, action, outcome }) => `${who} ${action} ${outcome}`);
  }

  async records(kind: RecordKind): Promise<readonly StoredRecord[]> {
    return [...(await this.store.records.list(kind, never())).records.values()];
  }

  async stop(): Promise<void> {
    for (const { child, ended } of this.#services) {
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      await ended;
    }
    this.store.close();
    this.cloud.close();
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    this.#dynamodb.stop();
  }

  #spawn(words: string, who: string, more: Readonly<Record<string, string>>): ChildProcess {
    const [api, metadata] = this.#servers.map((it) => `http://127.0.0.1:${(it.address() as AddressInfo).port}`);
    const { id, secret } = this.cloud.credentials.add(who);
    const args = ['reconcile', '--store', this.#url, ...words.split(' ').filter((word) => word !== '')];
    return spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        AWS_REGION: REGION,
        AWS_ENDPOINT_URL: api ?? '',
        AWS_ENDPOINT_URL_DYNAMODB: this.#dynamodb.endpoint,
        AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata ?? '',
        AWS_ACCESS_KEY_ID: id,
        AWS_SECRET_ACCESS_KEY: secret,
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
        ...more,
      },
    });
  }
}
