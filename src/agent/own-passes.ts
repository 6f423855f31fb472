/** Passes over the routes to this host's own subnet, and the word of what they did. */
import type { Clock } from '../contracts/clock.ts';
import type { CloudNetwork } from '../contracts/cloud-network.ts';
import type { Random } from '../contracts/random.ts';
import type { Records } from '../contracts/records.ts';
import type { Ledger } from '../core/ledger.ts';
import type { Lease } from '../core/lease.ts';
import type { NodeId } from '../core/node-id.ts';
import type { Audited } from '../reconcile/audit-log.ts';
import { CloudPasses } from '../reconcile/cloud-pass.ts';
import type { RouteStep } from '../reconcile/cloud-plan.ts';
import type { CloudReport } from '../reconcile/cloud-report.ts';
import type { CloudScope } from '../reconcile/cloud-scope.ts';
import { OwnRoutes } from '../reconcile/own-scope.ts';
import type { CloudSources } from './cloud-keeper-parts.ts';
import type { OwnAudit } from './own-audit.ts';
import type { WriterWatch } from './writer-watch.ts';

export interface OwnPassParts {
  readonly cloud: CloudNetwork;
  readonly records: Records;
  readonly clock: Clock;
  readonly random: Random;
  readonly node: NodeId;
  readonly sources: () => Pick<CloudSources, 'config' | 'view'>;
  readonly mayWrite: (deadlineMs: number, signal: AbortSignal) => Promise<boolean>;
  readonly writer: Pick<WriterWatch, 'now'>;
  readonly audit: OwnAudit;
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

  constructor(parts: OwnPassParts) {
    this.#parts = parts;
    this.#passes = new CloudPasses(parts);
    this.#routes = new OwnRoutes(parts.clock);
  }

  /** Where the reconciler writes, it looks alone. Rejects as `CloudPasses.pass`. */
  async pass({ network, ledger, lease, leaving }: OwnPass, signal: AbortSignal): Promise<CloudReport> {
    const { node, sources, mayWrite, writer, audit } = this.#parts;
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
    const done: CloudScope['done'] = (step, how, within) =>
      how === 'adopted' ? Promise.resolve() : audit.add(audited(step, how, leaving), within);
    try {
      return await this.#passes.pass({ config, ledger, scope: { ...scope, done }, writes: mode === 'node' }, signal);
    } finally {
      if (!signal.aborted) await audit.flush(signal);
    }
  }
}

const WHY = {
  created: 'its owner asks for it: others send by this table',
  replaced: 'it led to an owner, or an interface of this one, before',
  removed: 'its owner asks for it no more',
} as const;

function audited(step: RouteStep, how: keyof typeof WHY, leaving: boolean): Audited {
  const { table, destination, target, node, epoch } = step.row;
  return {
    action: how,
    table,
    destination,
    node,
    epoch,
    ...('expected' in step ? { before: step.expected } : {}),
    ...(how === 'removed' ? {} : { after: target }),
    why: leaving && how === 'removed' ? 'its owner leaves' : WHY[how],
  };
}
