/** What this node has done to the cloud, in the log and for `weftd audit`. What writes it is loaded with the first thing there is to tell. */
import type { NodeId } from '../core/node-id.ts';
import type { Audited, AuditLog, AuditParts } from '../reconcile/audit-log.ts';

/** Where no reconciler runs nobody else takes old records away; each of these readings of all of them pays for many writings. */
const PRUNED_ONE_IN = 100;

export class OwnAudit {
  readonly #parts: AuditParts & { readonly node: NodeId };
  #log: Promise<AuditLog> | undefined;
  #hasNews = false;

  constructor(parts: AuditParts & { readonly node: NodeId }) {
    this.#parts = parts;
  }

  /** Rejects with ABORTED alone. */
  async add(audited: Audited, signal: AbortSignal): Promise<void> {
    this.#log ??= import('../reconcile/audit-log.ts').then(
      (loaded) => new loaded.AuditLog(this.#parts, this.#parts.node),
    );
    this.#hasNews = true;
    await (await this.#log).add(audited, signal);
  }

  /** One record for all that was added since; then, by chance, old ones go. Rejects with ABORTED alone. */
  async flush(signal: AbortSignal): Promise<void> {
    const log = await this.#log;
    await log?.flush(signal);
    if (!this.#hasNews) return;
    this.#hasNews = false;
    if (this.#parts.random.below(PRUNED_ONE_IN) === 0) await log?.prune(signal);
  }
}
