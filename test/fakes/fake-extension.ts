/** `HostExtension` in memory: what was run, and what PreStartupCommand is to print. */
import type { HostExtension } from '../../src/contracts/host-extension.ts';
import type { WeftError } from '../../src/core/errors.ts';
import type { ExtensionCommands, ExtensionSelf } from '../../src/core/extension.ts';

export class FakeExtension implements HostExtension {
  readonly ran: string[] = [];
  output = '';
  commandsEnded = 0;
  failure: { readonly at: 'prepare' | 'settle'; readonly error: WeftError } | undefined;
  #stands = false;

  async prepare(commands: ExtensionCommands | undefined): Promise<string | undefined> {
    if (commands === undefined) return undefined;
    this.#fail('prepare');
    if (!this.#stands) this.ran.push(`pre ${commands.preStartup}`);
    this.#stands = true;
    return commands.preStartup === '' ? undefined : this.output;
  }

  async settle({ network, subnet, publicIP }: ExtensionSelf): Promise<void> {
    if (!this.#stands) return;
    this.#fail('settle');
    this.ran.push(`post ${network} ${subnet} ${publicIP}`);
  }

  async shutDown(): Promise<void> {
    if (this.#stands) this.ran.push('shutdown');
    this.#stands = false;
  }

  #fail(at: 'prepare' | 'settle'): void {
    if (this.failure?.at === at) throw this.failure.error;
  }
}
