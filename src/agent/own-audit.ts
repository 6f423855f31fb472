/** What this node has done to the cloud, in the log and for `weftd audit`. What writes it is loaded with the first thing there is to tell. */
import type { NodeId } from '../core/node-id.ts';
import type { Audited, AuditLog, AuditParts } from '../reconcile/audit-log.ts';

export class OwnAudit {
  readonly #parts: AuditParts & { readonly node: NodeId };
  #log: Promise<AuditLog> | undefined;

  constructor(parts: AuditParts & { readonly node: NodeId }) {
    this.#parts = parts;
  }

  /** Rejects with ABORTED alone. */
  async add(audited: Audited, signal: AbortSignal): Promise<void> {
    this.#log ??= import('../reconcile/audit-log.ts').then(
      (loaded) => new loaded.AuditLog(this.#parts, this.#parts.node),
    );
    await (await this.#log).add(audited, signal);
  }

  /** One record for all that was added. Rejects with ABORTED alone. */
  async flush(signal: AbortSignal): Promise<void> {
    await (await this.#log)?.flush(signal);
  }
}
