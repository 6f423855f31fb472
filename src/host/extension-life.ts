/**
 * `HostExtension`: when the commands run that set up this host itself.
 *
 *   start ──► begun ── PreStartup ──► prepared ── claim, PostStartup ──► settled ── Shutdown ──► (nothing)
 *               ▲                                                           │
 *               └── failed, or cut off: Shutdown, then anew                 └── killed, started again: nothing is repeated
 */
import type { HostExtension } from '../contracts/host-extension.ts';
import type { HostNetwork } from '../contracts/host-network.ts';
import type { Log } from '../contracts/log.ts';
import { asWeftError, WeftError } from '../core/errors.ts';
import { MAX_EXTENSION_DATA, selfEnvironment, type ExtensionCommands, type ExtensionSelf } from '../core/extension.ts';
import { ExtensionMemory, type RememberedSelf } from './extension-memory.ts';
import { ExtensionPeers } from './extension-peers.ts';
import { commandLimitMs, runShell } from './shell-command.ts';

export function openExtension(
  host: HostNetwork,
  folder: string,
  log: Log,
  { watchdogMs, onEnd }: { readonly watchdogMs: number | undefined; onEnd(): void },
): { readonly life: ExtensionLife; readonly host: ExtensionPeers } {
  const memory = new ExtensionMemory(folder);
  return {
    life: new ExtensionLife(memory, log),
    host: new ExtensionPeers(host, memory, commandLimitMs(watchdogMs), onEnd),
  };
}

export class ExtensionLife implements Pick<HostExtension, 'prepare' | 'settle' | 'shutDown'> {
  readonly #memory: ExtensionMemory;
  readonly #log: Log;

  constructor(memory: ExtensionMemory, log: Log) {
    this.#memory = memory;
    this.#log = log;
  }

  async prepare(commands: ExtensionCommands | undefined, signal: AbortSignal): Promise<string | undefined> {
    const before = this.#memory.self;
    if (before !== undefined && commands !== undefined && stands(before, commands)) {
      // What undoes it may have been put right in the config since.
      this.#memory.keepSelf({ ...before, commands });
    } else {
      if (before !== undefined) await this.#undo(before, signal);
      if (commands === undefined) return undefined;
      const begun: RememberedSelf = { stage: 'begun', commands, output: '' };
      this.#memory.keepSelf(begun);
      const output = await this.#command('PreStartupCommand', commands.preStartup, {}, signal);
      if (JSON.stringify(output).length > MAX_EXTENSION_DATA)
        throw new WeftError(
          'EXTENSION_FAILED',
          `PreStartupCommand wrote more than ${MAX_EXTENSION_DATA / 1024} KiB: it stands in this host's lease, for every other to read`,
        );
      this.#memory.keepSelf({ ...begun, stage: 'prepared', output });
    }
    return commands.preStartup === '' ? undefined : this.#memory.self?.output;
  }

  async settle(told: ExtensionSelf, signal: AbortSignal): Promise<void> {
    const self = this.#memory.self;
    if (self === undefined || (self.stage === 'settled' && self.told !== undefined && sameSelf(self.told, told)))
      return;
    this.#memory.keepSelf({ ...self, stage: 'begun' });
    await this.#command('PostStartupCommand', self.commands.postStartup, selfEnvironment(told), signal);
    this.#memory.keepSelf({ ...self, stage: 'settled', told });
  }

  async shutDown(signal: AbortSignal): Promise<void> {
    const self = this.#memory.self;
    // Nothing to shut down with: what stands is found standing by the next start.
    if (self === undefined || self.stage === 'begun' || self.commands.shutdown === '') return;
    await this.#undo(self, signal);
  }

  /** Peers whose entries may be gone are known by half until they surely are: then whoever adds them again removes them first. */
  async #undo(self: RememberedSelf, signal: AbortSignal): Promise<void> {
    const { told, commands } = self;
    this.#memory.keepSelf({ ...self, stage: 'begun' });
    const peers = [...this.#memory.peers.values()];
    for (const peer of peers) this.#memory.keep({ ...peer, half: true });
    try {
      const environment = told === undefined ? {} : selfEnvironment(told);
      await this.#command('ShutdownCommand', commands.shutdown, environment, signal);
      if (commands.shutdown !== '') for (const { subnet } of peers) this.#memory.forget(subnet);
    } catch (error) {
      if (signal.aborted) throw error;
      const { code, message } = asWeftError(error);
      this.#log.warn({ code, error: message }, 'command failed');
    }
    this.#memory.keepSelf(undefined);
  }

  async #command(
    name: string,
    text: string,
    environment: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<string> {
    if (text === '') return '';
    const output = await runShell({ name, text, environment, input: '' }, signal);
    this.#log.info({ command: name }, 'command was run');
    return output;
  }
}

/** Only what has set the host up counts: peers are told apart by the commands that added them. */
const stands = ({ stage, commands }: RememberedSelf, now: ExtensionCommands): boolean =>
  stage !== 'begun' && commands.preStartup === now.preStartup && commands.postStartup === now.postStartup;

const sameSelf = (a: ExtensionSelf, b: ExtensionSelf): boolean =>
  a.network === b.network && a.subnet === b.subnet && a.publicIP === b.publicIP;
