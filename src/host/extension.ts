/** The backend `extension`, loaded where the config has its commands, or had them: most hosts never do. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { HostExtension } from '../contracts/host-extension.ts';
import type { HostNetwork } from '../contracts/host-network.ts';
import type { Log } from '../contracts/log.ts';
import type { ExtensionCommands, ExtensionSelf } from '../core/extension.ts';

interface Loaded {
  readonly life: Pick<HostExtension, 'prepare' | 'settle' | 'shutDown'>;
  readonly host: Pick<HostNetwork, 'observe' | 'apply'>;
}

/** Folder of the instance's own, where commands leave what is known of them. */
const EXTENSION_FOLDER = 'extension';

export class Extension implements HostExtension {
  readonly #below: HostNetwork;
  readonly #folder: string;
  readonly #log: Log;
  readonly #watchdogMs: number | undefined;
  #loaded: Loaded | undefined;
  #ended = 0;
  /** The host with the peers that commands reach. */
  readonly host: HostNetwork;

  /**
   * @param folder of the instance, which is this process's own or only read
   * @param watchdogMs after so long without a sign of life the service manager ends this process
   */
  constructor(below: HostNetwork, folder: string, log: Log, watchdogMs?: number) {
    this.#below = below;
    this.#folder = folder;
    this.#log = log;
    this.#watchdogMs = watchdogMs;
    const host = (): Pick<HostNetwork, 'observe' | 'apply'> => this.#loaded?.host ?? below;
    this.host = {
      observe: (scope, signal) => host().observe(scope, signal),
      apply: (changes, signal) => host().apply(changes, signal),
      hints: (signal) => below.hints(signal),
      uplink: (choice, signal) => below.uplink(choice, signal),
      addresses: (signal) => below.addresses(signal),
    };
  }

  get commandsEnded(): number {
    return this.#ended;
  }

  /** Reads what is remembered, if there is anything. */
  async recall(): Promise<void> {
    if (existsSync(join(this.#folder, EXTENSION_FOLDER))) await this.#load();
  }

  async prepare(commands: ExtensionCommands | undefined, signal: AbortSignal): Promise<string | undefined> {
    if (commands === undefined) await this.recall();
    else await this.#load();
    return this.#loaded?.life.prepare(commands, signal);
  }

  async settle(self: ExtensionSelf, signal: AbortSignal): Promise<void> {
    await this.#loaded?.life.settle(self, signal);
  }

  async shutDown(signal: AbortSignal): Promise<void> {
    await this.#loaded?.life.shutDown(signal);
  }

  async #load(): Promise<void> {
    if (this.#loaded !== undefined) return;
    const { openExtension } = await import('./extension-life.ts');
    this.#loaded = openExtension(this.#below, join(this.#folder, EXTENSION_FOLDER), this.#log, {
      watchdogMs: this.#watchdogMs,
      onEnd: () => (this.#ended += 1),
    });
  }
}
