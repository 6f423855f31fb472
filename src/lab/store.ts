/** The store that the lab's hosts share: a real program, in a namespace of its own. One file a kind says how to start it. */
import { readFileSync, statSync } from 'node:fs';
import { WeftError } from '../core/errors.ts';
import { eventually } from './eventually.ts';
import { startProcess, type LabProcess } from './lab-process.ts';
import { listens } from './namespaces.ts';
import type { StorePlan } from './topology.ts';

/** The first is what a lab has when nobody chooses. */
export const STORE_KINDS = ['dynamodb', 'etcd'] as const;
export type StoreKind = (typeof STORE_KINDS)[number];

/** What people call it, and where it listens. */
export const SERVICES: Readonly<Record<StoreKind, { readonly title: string; readonly port: number }>> = {
  dynamodb: { title: 'DynamoDB', port: 8000 },
  etcd: { title: 'etcd', port: 2379 },
};

/** How hosts find it, and are let into it. */
export interface StoreAccess {
  /** What hosts give to `--store`. */
  readonly uri: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** What stands in for a store of this kind here. */
export interface StoreProgram extends StoreAccess {
  readonly kind: StoreKind;
  readonly title: string;
  readonly command: readonly string[];
  readonly folder?: string;
  /** How long it may take until it serves. */
  readonly withinMs: number;
  /** What its log says when it serves, where listening is not enough. */
  readonly saysWhenItServes?: string;
  /** Its data lies in files, and it finds them again. */
  readonly keepsData: boolean;
  /** Of another network in it. */
  readonly networkUri: (network: string) => string;
}

export class LabStore implements StoreAccess {
  readonly kind: StoreKind;
  /** For people: which program it is. */
  readonly title: string;
  readonly uri: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly networkUri: (network: string) => string;
  readonly #plan: StorePlan;
  readonly #program: StoreProgram;
  readonly #logFile: string;
  #process: LabProcess;

  private constructor(plan: StorePlan, program: StoreProgram, logFile: string) {
    this.kind = program.kind;
    this.title = program.title;
    this.uri = program.uri;
    this.environment = program.environment;
    this.networkUri = program.networkUri;
    this.#plan = plan;
    this.#program = program;
    this.#logFile = logFile;
    this.#process = this.#spawn();
  }

  /** Resolves when it serves. */
  static async start(plan: StorePlan, program: StoreProgram, logFile: string, signal: AbortSignal): Promise<LabStore> {
    const store = new LabStore(plan, program, logFile);
    await store.#serves(0, signal);
    return store;
  }

  /** The one that runs, or that ran last. */
  get process(): LabProcess {
    return this.#process;
  }

  /** As a power failure does. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#process.ended;
  }

  /** After a kill: with the data that it had. Resolves when it serves. @throws WeftError UNSUPPORTED when it keeps none. */
  async startAgain(signal: AbortSignal): Promise<void> {
    if (!this.#program.keepsData) {
      throw new WeftError('UNSUPPORTED', `${this.title} keeps nothing when it is killed`, {
        hint: 'take another store: --store etcd',
      });
    }
    const { size } = statSync(this.#logFile);
    this.#process = this.#spawn();
    await this.#serves(size, signal);
  }

  #spawn(): LabProcess {
    const { command, folder } = this.#program;
    return startProcess({
      name: this.#plan.name,
      namespace: this.#plan.name,
      command,
      logFile: this.#logFile,
      ...(folder === undefined ? {} : { folder }),
    });
  }

  /** @param logFrom bytes of the log that are not of this run */
  async #serves(logFrom: number, signal: AbortSignal): Promise<void> {
    const { title, withinMs, kind, saysWhenItServes = '' } = this.#program;
    const { port } = SERVICES[kind];
    const process = this.#process;
    try {
      await eventually(
        `${title} serves`,
        withinMs,
        () => {
          if (process.ending !== undefined) {
            throw new WeftError('LAB_FAILED', `${title} ended: ${process.ending}; its log: ${process.logFile}`);
          }
          if (!listens(this.#plan.name, port)) return { missing: `nothing on port ${port} yet` };
          const said = readFileSync(process.logFile).subarray(logFrom).includes(saysWhenItServes);
          return said ? { found: true } : { missing: `its log does not say "${saysWhenItServes}"` };
        },
        signal,
      );
    } catch (error) {
      process.kill('SIGKILL');
      throw error;
    }
  }
}
