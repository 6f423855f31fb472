/** Files that keep others on this host from undoing what we do, as they are wanted for the devices of the paths in force. */
import type { HostFile } from '../core/host-entry.ts';
import { devicesOf } from '../datapath/host-basics.ts';
import type { Self } from '../datapath/datapath.ts';
import { datapathsOf } from '../datapath/paths.ts';
import type { AgentParts } from './agent-parts.ts';
import { findingOf, type Findings } from './findings.ts';

export class GuardFiles {
  readonly #wanted: AgentParts['guardFiles'];
  readonly #findings: Findings;
  #value: readonly HostFile[] = [];

  constructor({ guardFiles }: Pick<AgentParts, 'guardFiles'>, findings: Findings) {
    this.#wanted = guardFiles;
    this.#findings = findings;
  }

  get value(): readonly HostFile[] {
    return this.#value;
  }

  async read(self: Self): Promise<void> {
    try {
      this.#value = await this.#wanted(devicesOf(self, datapathsOf(self.config.paths)));
      this.#findings.clear('files');
    } catch (error) {
      this.#findings.set('files', [findingOf(error)]);
    }
  }
}
