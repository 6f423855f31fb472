/** One host of the lab: a namespace, a folder of its own, the daemon as a process, and containers. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { WeftError } from '../core/errors.ts';
import type { Status } from '../core/status.ts';
import { addContainer, readSubnetFile, removeContainers, type Container } from './container.ts';
import { instanceFolders, readMetric, readStatus, readTurns, type ToldTurn } from './control-socket.ts';
import { eventually } from './eventually.ts';
import { startProcess, type LabProcess } from './lab-process.ts';
import { runIn, tryIn } from './namespaces.ts';
import type { ProgramResult } from './program.ts';
import type { StoreAccess } from './store.ts';
import type { HostPlan } from './topology.ts';
import { UPLINK } from './world.ts';

/** Some seconds as a rule. A busy machine starts many hosts at once, and has other things to do. */
const START_MS = 90_000;

export interface HostOptions {
  /** What runs weftd: Node and the bundle. */
  readonly weftd: readonly string[];
  readonly folder: string;
  /** Where the daemon keeps its state; daemons of one host share it. In `folder` when absent. */
  readonly stateFolder?: string;
  readonly store: StoreAccess;
  /** More flags for `weftd run`; a later one of a name stands. */
  readonly flags: readonly string[];
  /** Beside, or in place of, the store's own. */
  readonly environment: Readonly<Record<string, string>>;
}

export class LabHost {
  readonly plan: HostPlan;
  readonly folder: string;
  readonly stateFolder: string;
  readonly subnetFile: string;
  readonly containers: Container[] = [];
  daemon: LabProcess | undefined;
  readonly #options: HostOptions;
  /** Of its control socket. */
  #instanceFolder: string | undefined;

  constructor(plan: HostPlan, options: HostOptions) {
    this.plan = plan;
    this.#options = options;
    this.folder = path.join(options.folder, plan.name);
    this.stateFolder = options.stateFolder ?? path.join(this.folder, 'state');
    this.subnetFile = path.join(this.folder, 'subnet.env');
    for (const folder of [this.folder, this.stateFolder]) mkdirSync(folder, { recursive: true });
  }

  get name(): string {
    return this.plan.name;
  }

  get logFile(): string {
    return path.join(this.folder, 'weftd.log');
  }

  /** What `weftd` needs in its environment to find this host's daemon and the store. */
  get environment(): Readonly<Record<string, string>> {
    const { store, environment } = this.#options;
    return { ...store.environment, ...environment, FLANNELD_STORE: store.uri, FLANNELD_STATE_DIR: this.stateFolder };
  }

  startDaemon(): LabProcess {
    const { weftd, store, flags, environment } = this.#options;
    const { node, address } = this.plan;
    const own = [
      ['--store', store.uri],
      ['--node-id', node],
      ['--state-dir', this.stateFolder],
      ['--subnet-file', this.subnetFile],
      ['--iface', UPLINK],
      ['--public-ip', address],
      ['--health-listen', '127.0.0.1:8287'],
      ['--log-level', 'info'],
    ].flat();
    this.daemon = startProcess({
      name: this.name,
      namespace: this.name,
      command: [...weftd, 'run', ...own, ...flags],
      environment: { ...store.environment, ...environment },
      logFile: this.logFile,
    });
    return this.daemon;
  }

  async killDaemon(): Promise<void> {
    this.daemon?.kill('SIGKILL');
    await this.daemon?.ended;
  }

  /** A sub-command of weftd, as a person would type it on this host; what it printed. */
  async weftd(args: readonly string[], input = ''): Promise<string> {
    return await this.run([...this.#options.weftd, ...args], input);
  }

  /** The same, whatever comes of it. */
  async tryWeftd(args: readonly string[], input = ''): Promise<ProgramResult> {
    return await this.tryProgram([...this.#options.weftd, ...args], input);
  }

  async run(command: readonly string[], input = ''): Promise<string> {
    return await runIn(this.name, command, { environment: this.environment, input });
  }

  async tryProgram(command: readonly string[], input = ''): Promise<ProgramResult> {
    return await tryIn(this.name, command, { environment: this.environment, input });
  }

  async status(): Promise<Status | undefined> {
    this.#instanceFolder ??= await this.#findInstance();
    return this.#instanceFolder === undefined ? undefined : await readStatus(this.#instanceFolder);
  }

  /** One of its daemon's metrics. */
  async metric(name: string): Promise<number> {
    return await readMetric(await this.#instance(), name);
  }

  /** How its daemon came to its path to that peer, latest last: since its start. */
  async turnsTo(peer: LabHost): Promise<readonly ToldTurn[]> {
    return await readTurns(await this.#instance(), peer.plan.node);
  }

  async #instance(): Promise<string> {
    this.#instanceFolder ??= await this.#findInstance();
    if (this.#instanceFolder === undefined) throw new Error(`${this.name} has no daemon to ask`);
    return this.#instanceFolder;
  }

  /** Which of several daemons with one state folder is meant, weftd knows by the store. */
  async #findInstance(): Promise<string | undefined> {
    if (this.#options.stateFolder === undefined) {
      const [only] = instanceFolders(this.stateFolder);
      return only;
    }
    const { code, stdout } = await this.tryWeftd(['status', '--json']);
    return code === 0 ? path.join(this.stateFolder, (JSON.parse(stdout) as Status).instance) : undefined;
  }

  /** Waits until the daemon's own word makes `view` yield something; fails at once when the daemon has ended. */
  async await<T>(
    what: string,
    view: (status: Status) => T | undefined,
    signal: AbortSignal,
    withinMs = START_MS,
  ): Promise<T> {
    return await eventually(
      `${this.name}: ${what}`,
      withinMs,
      async () => {
        if (this.daemon?.ending !== undefined) {
          throw new WeftError('LAB_FAILED', `${this.name}: weftd ended with ${this.daemon.ending}`);
        }
        const status = await this.status();
        if (status === undefined) return { missing: 'the daemon does not answer' };
        const found = view(status);
        return found === undefined ? { missing: `it says ${describe(status)}` } : { found };
      },
      signal,
    );
  }

  /** A container, as soon as subnet.env stands. */
  async addContainer(signal: AbortSignal): Promise<Container> {
    const network = await eventually(
      `${this.name} has a subnet`,
      START_MS,
      () => {
        if (this.daemon?.ending !== undefined) {
          throw new WeftError('LAB_FAILED', `${this.name}: weftd ended with ${this.daemon.ending}`);
        }
        const found = readSubnetFile(this.subnetFile);
        return found === undefined ? { missing: `no ${this.subnetFile}` } : { found };
      },
      signal,
    );
    const container = await addContainer(this.name, network, this.containers.length + 1, signal);
    this.containers.push(container);
    return container;
  }

  async removeContainers(): Promise<void> {
    await removeContainers(this.name, this.containers.splice(0));
  }

  /** The first container, which the demo pings. */
  get container(): Container {
    const [first] = this.containers;
    if (first === undefined) throw new Error(`${this.name} has no container yet`);
    return first;
  }
}

function describe(status: Status): string {
  const { state, ready, unready, peers, store } = status;
  const paths = peers.map((peer) => `${peer.node ?? peer.publicIP} by ${peer.path}`).join(', ');
  const why = ready ? 'ready' : `not ready (${unready.join('; ')})`;
  return `${state}, ${why}, store ${store.reachable ? 'reachable' : `away (${store.error})`}, peers: ${paths || 'none'}`;
}
