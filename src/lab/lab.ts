/** A lab that runs: the world of a topology, its store, its hosts and the pinger. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { JsonObject } from '../core/json.ts';
import { SystemClock } from '../system/system-clock.ts';
import { AWS_SOCKET, AwsInLab, instanceEnvironment, isInstance } from './aws/aws-site.ts';
import { dynamoDBProgram, NETWORK, TABLE } from './dynamodb.ts';
import { etcdProgram } from './etcd.ts';
import { LabHost, type HostOptions } from './lab-host.ts';
import { deployReconciler } from './aws/reconciler-function.ts';
import type { LambdaService } from './aws/lambda-service.ts';
import { runIn } from './namespaces.ts';
import { startProcess, type LabProcess, type ProcessPlan } from './lab-process.ts';
import { Pinger } from './pinger.ts';
import { LabStore, STORE_KINDS, type StoreKind } from './store.ts';
import type { HostPlan, StorePlan, Topology } from './topology.ts';
import { buildWorld, setCable } from './world.ts';

export interface LabOptions {
  /** The bundle: what hosts run. */
  readonly executable: string;
  readonly folder: string;
  readonly store?: StoreKind;
  /** More flags for every `weftd run`. */
  readonly flags?: readonly string[];
  /** Instances reach a DynamoDB by the gate alone, which evaluates the policies of their role. */
  readonly policed?: boolean;
  /** Beside, or in place of, the store's own. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A daemon beside those of the topology. */
export interface FurtherDaemon {
  /** Of its files, in the lab's folder. */
  readonly folder: string;
  /** URL, when it is not the lab's own. Its state lies beside that of the host's first daemon then, as on a real host. */
  readonly store?: string;
  readonly flags?: readonly string[];
}

export class Lab {
  readonly topology: Topology;
  readonly folder: string;
  readonly store: LabStore;
  readonly executable: string;
  /** Of a topology with a VPC. */
  readonly aws: AwsInLab | undefined;
  readonly pinger: Pinger;
  readonly hosts: ReadonlyMap<string, LabHost>;
  readonly #options: LabOptions;
  readonly #further: LabHost[] = [];
  readonly #programs: LabProcess[] = [];
  readonly #functions: LambdaService[] = [];

  private constructor(
    topology: Topology,
    store: LabStore,
    aws: AwsInLab | undefined,
    pinger: Pinger,
    options: LabOptions,
  ) {
    this.topology = topology;
    this.folder = options.folder;
    this.executable = options.executable;
    this.store = store;
    this.aws = aws;
    this.pinger = pinger;
    this.#options = options;
    this.hosts = new Map(topology.hosts.map((plan) => [plan.name, this.#daemonOf(plan, {})]));
  }

  /** Namespaces, cables and the store; no host runs anything yet. */
  static async start(topology: Topology, options: LabOptions, signal: AbortSignal): Promise<Lab> {
    mkdirSync(options.folder, { recursive: true });
    // It takes as long to start as all else here.
    const pinger = new Pinger([process.execPath, options.executable, 'lab', 'pinger']);
    try {
      await buildWorld(topology, signal);
      const store = await startStore(topology.store, options, signal);
      const url = store.environment['AWS_ENDPOINT_URL_DYNAMODB'];
      const gate = options.policed === true && url !== undefined ? { gateTo: url } : {};
      const aws = await AwsInLab.start(topology, { clock: new SystemClock(), socketPath: AWS_SOCKET, ...gate });
      return new Lab(topology, store, aws, pinger, options);
    } catch (error) {
      pinger.close();
      throw error;
    }
  }

  host(name: string): LabHost {
    const host = this.hosts.get(name);
    if (host === undefined) {
      throw new Error(`no host "${name}" in this lab: it has ${[...this.hosts.keys()].join(', ')}`);
    }
    return host;
  }

  /** One more daemon in the namespace of a machine. It is not among `hosts`. */
  addDaemon(plan: HostPlan, { folder, store: uri, flags = [] }: FurtherDaemon): LabHost {
    const beside =
      uri === undefined
        ? {}
        : { stateFolder: this.host(plan.name).stateFolder, store: { uri, environment: this.store.environment } };
    const host = this.#daemonOf(plan, { folder: path.join(this.folder, folder), flags, ...beside });
    this.#further.push(host);
    return host;
  }

  /** A program that runs until it, or the lab, ends. */
  start(plan: ProcessPlan): LabProcess {
    const program = startProcess(plan);
    this.#programs.push(program);
    return program;
  }

  /** The reconciler as a function of the lab's account, in the VPC of this name; it lets machines of these Auto Scaling groups go. */
  deployReconciler(vpc: string, everyMs: number, groups: readonly string[]): LambdaService {
    const { aws, store } = this;
    if (aws === undefined) throw new Error('a reconciler needs a topology with a VPC');
    const database = store.environment['AWS_ENDPOINT_URL_DYNAMODB'];
    const service = deployReconciler({
      cloud: aws.cloud,
      executable: this.#options.executable,
      vpc,
      namespace: aws.namespace,
      store: store.uri,
      endpoints: {
        AWS_ENDPOINT_URL: aws.endpoint,
        AWS_ENDPOINT_URL_DYNAMODB: aws.gate ?? database ?? '',
      },
      table: database === undefined ? undefined : { upstream: aws.upstream(database), name: TABLE, network: NETWORK },
      everyMs,
      groups,
    });
    this.#functions.push(service);
    return service;
  }

  /** Hosts whose daemon runs. */
  get running(): readonly LabHost[] {
    return [...this.hosts.values()].filter(({ daemon }) => daemon !== undefined && daemon.ending === undefined);
  }

  /** Writes the network config, and makes the table, as an operator would. */
  async writeConfig(config: JsonObject): Promise<void> {
    const [any] = this.hosts.values();
    if (any === undefined) throw new Error('a lab without hosts has nobody to write the config');
    const { executable } = this.#options;
    const words = [process.execPath, executable, 'config', 'set', '--create-table', '-f', '-'];
    // By the operator's own credentials, whatever the hosts may.
    const environment = { ...any.environment, ...this.store.environment, FLANNELD_CLOUD: 'none' };
    await runIn(any.name, words, { environment, input: JSON.stringify(config) });
  }

  async setCable(machine: StorePlan | LabHost, state: 'up' | 'down'): Promise<void> {
    await setCable(this.topology, machine instanceof LabHost ? machine.plan : machine, state);
  }

  /** Ends all processes. The namespaces go away with the lab's own process. */
  async close(): Promise<void> {
    this.pinger.close();
    for (const service of this.#functions) service.close();
    this.aws?.close();
    const daemons = [...this.hosts.values(), ...this.#further].flatMap(({ daemon }) => daemon ?? []);
    const processes = [...daemons, ...this.#programs, this.store.process];
    for (const process of processes) process.kill('SIGKILL');
    await Promise.all(processes.map((process) => process.ended));
  }

  #daemonOf(plan: HostPlan, own: Partial<HostOptions>): LabHost {
    const { executable, folder, flags = [], environment = {} } = this.#options;
    const weftd = [process.execPath, executable];
    const cloud =
      this.aws !== undefined && isInstance(this.topology, plan)
        ? instanceEnvironment(this.aws)
        : { FLANNELD_CLOUD: 'none' };
    const all = { ...cloud, ...environment };
    return new LabHost(plan, { weftd, folder, store: this.store, flags, environment: all, ...own });
  }
}

async function startStore(plan: StorePlan, options: LabOptions, signal: AbortSignal): Promise<LabStore> {
  const { executable, folder, store: kind = STORE_KINDS[0] } = options;
  const program = kind === 'etcd' ? etcdProgram(plan, folder) : await dynamoDBProgram(plan, executable, folder);
  return await LabStore.start(plan, program, path.join(folder, 'store.log'), signal);
}
