import type { ExtensionCommands, ExtensionSelf } from '../core/extension.ts';

/**
 * What the commands of flannel's backend `extension` set up on this host for itself; those for peers are entries of the host (`ExtensionPeer`).
 * It is remembered until the host boots, so that a daemon that was killed finds it standing and repeats nothing.
 *
 * Fails with EXTENSION_FAILED, with the command's own words; with ABORTED when the signal fires: the command is killed then.
 */
export interface HostExtension {
  /** Commands for peers that have ended so far, well or not: a pass in which they do takes long, and does not hang. None takes longer than a third of what the service manager waits for a sign of life. */
  readonly commandsEnded: number;

  /**
   * PreStartupCommand, before there is a lease. What other commands than these have set up, or these did not finish, is shut down first;
   * undefined: there are none any more.
   * @returns what it printed; undefined when there is no such command. Of a run before, when that stands
   */
  prepare(commands: ExtensionCommands | undefined, signal: AbortSignal): Promise<string | undefined>;

  /** PostStartupCommand, with the lease; not again for the same one. Nothing where nothing was prepared. */
  settle(self: ExtensionSelf, signal: AbortSignal): Promise<void>;

  /** ShutdownCommand, if there is one and anything stands. It takes all with it: what was added is added again after the next start. Never rejects for its failure. */
  shutDown(signal: AbortSignal): Promise<void>;
}
