/** The network config in force: what the daemon started with, and of later changes what a running daemon can take over. */
import { mergeLive } from '../core/config-change.ts';
import type { StoredConfig } from '../core/lease.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import { parseNetworkConfig } from '../core/parse-network-config.ts';
import { findingOf, type Findings } from './findings.ts';

export class LiveConfig {
  readonly #findings: Findings;
  #seen: string | undefined;
  #config: NetworkConfig;

  constructor(findings: Findings, config: NetworkConfig, stored: StoredConfig) {
    this.#findings = findings;
    this.#config = config;
    this.#seen = stored.text;
  }

  get value(): NetworkConfig {
    return this.#config;
  }

  /** @returns whether something else is in force now */
  see(stored: StoredConfig | undefined, otherLeases: number): boolean {
    if (stored?.text === this.#seen) return false;
    this.#seen = stored?.text;
    if (stored === undefined) {
      this.#findings.set('config', [
        { code: 'CONFIG_MISSING', message: 'the network config was deleted; the last one stays in force' },
      ]);
      return false;
    }
    let next: NetworkConfig;
    try {
      next = parseNetworkConfig(stored.text);
    } catch (error) {
      const { code, message } = findingOf(error);
      this.#findings.set('config', [{ code, message: `${message}; the last network config stays in force` }]);
      return false;
    }
    const { config, refused } = mergeLive(this.#config, next, otherLeases);
    this.#findings.set(
      'config',
      refused.map(({ key, why }) => ({ code: 'CONFIG_NOT_LIVE', message: `network config key "${key}": ${why}` })),
    );
    const before = this.#config;
    this.#config = config;
    return JSON.stringify(before) !== JSON.stringify(config);
  }
}
