/** Passes over the routes to this host's own subnet, and the word of what they did. */
import type { Clock } from '../contracts/clock.ts';
import type { CloudNetwork } from '../contracts/cloud-network.ts';
import type { Log } from '../contracts/log.ts';
import type { Random } from '../contracts/random.ts';
import type { Records } from '../contracts/records.ts';
import type { Ledger } from '../core/ledger.ts';
import type { Lease } from '../core/lease.ts';
import type { NodeId } from '../core/node-id.ts';
import type { AuditLog, Audited } from '../reconcile/audit-log.ts';
import { CloudPasses } from '../reconcile/cloud-pass.ts';
import type { CloudReport, RouteOutcome } from '../reconcile/cloud-report.ts';
import { OwnRoutes } from '../reconcile/own-scope.ts';
import type { CloudSources } from './cloud-keeper-parts.ts';
import type { WriterWatch } from './writer-watch.ts';

export interface OwnPassParts {
  readonly cloud: CloudNetwork;
  readonly records: Records;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly node: NodeId;
  readonly sources: () => Pick<CloudSources, 'config' | 'view'>;
  readonly mayWrite: (deadlineMs: number, signal: AbortSignal) => Promise<boolean>;
  readonly writer: Pick<WriterWatch, 'now'>;
}

export interface OwnPass {
  /** AWS: the VPC. */
  readonly network: string;
  /** As it was seen last. */
  readonly ledger: Ledger;
  /** Mine, with all that is known of my place. */
  readonly lease: Lease;
  /** It was released: all routes go. */
  readonly leaving: boolean;
}

export class OwnPasses {
  readonly #parts: OwnPassParts;
  readonly #passes: CloudPasses;
  readonly #routes: OwnRoutes;
  #audit: Promise<AuditLog> | undefined;

  constructor(parts: OwnPassParts) {
    this.#parts = parts;
    this.#passes = new CloudPasses(parts);
    this.#routes = new OwnRoutes(parts.clock);
  }

  /** Where the reconciler writes, it looks alone. Rejects as `CloudPasses.pass`. */
  async pass({ network, ledger, lease, leaving }: OwnPass, signal: AbortSignal): Promise<CloudReport> {
    const { node, sources, mayWrite, writer } = this.#parts;
    const { mode, generation } = await writer.now(signal);
    const { config, view = { leases: new Map(), expired: new Set() } } = sources();
    const scope = this.#routes.scope({
      network,
      config,
      view,
      generation,
      node,
      lease,
      mayWrite: (deadlineMs, within) => (leaving ? Promise.resolve(true) : mayWrite(deadlineMs, within)),
      leaving,
    });
    const report = await this.#passes.pass({ config, ledger, scope, writes: mode === 'node' }, signal);
    await this.#tell(
      [...report.outcomes.values()].flatMap((outcome) => audited(outcome, leaving) ?? []),
      signal,
    );
    return report;
  }

  /** One record for a pass that has changed something. */
  async #tell(entries: readonly Audited[], signal: AbortSignal): Promise<void> {
    if (entries.length === 0) return;
    this.#audit ??= import('../reconcile/audit-log.ts').then(
      (loaded) => new loaded.AuditLog(this.#parts, this.#parts.node),
    );
    const audit = await this.#audit;
    for (const entry of entries) await audit.add(entry, signal);
    await audit.flush(signal);
  }
}

/** Undefined: the cloud is as it was. */
function audited({ row, result }: RouteOutcome, leaving: boolean): Audited | undefined {
  const { table, destination, target, before, node, epoch } = row;
  const route = { table, destination, node, epoch };
  switch (result) {
    case 'created':
      return { ...route, action: 'created', after: target, why: 'its owner asks for it: others send by this table' };
    case 'replaced':
      return {
        ...route,
        action: 'replaced',
        ...(before?.[0] === undefined ? {} : { before: before[0] }),
        after: target,
        why: 'it led to an owner, or an interface of this one, before',
      };
    case 'removed':
      return {
        ...route,
        action: 'removed',
        before: target,
        why: leaving ? 'its owner leaves' : 'its owner asks for it no more',
      };
    default:
      return undefined;
  }
}
