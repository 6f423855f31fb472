/**
 * Machines on their way out, in the order in which no packet is lost:
 *
 *   senders are told ──► they have had the time to leave ──► routes go ──► the lease is released ──► the machine may go
 *
 * Where nodes write their own routes, a row that says "refused" would be an owner's to write: there the lease goes first, and that tells the senders.
 */
import type { CloudInventory } from '../contracts/cloud-inventory.ts';
import type { Clock } from '../contracts/clock.ts';
import { asWeftError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { Ledger } from '../core/ledger.ts';
import type { Lease } from '../core/lease.ts';
import type { CloudReport } from './cloud-report.ts';
import type { SeenTable } from './cloud-scope.ts';
import type { LeaseLooks } from './lease-looks.ts';
import { release, type ReleaseParts } from './lease-release.ts';
import type { LeavingMachine, LeavingMachines } from './leaving.ts';
import type { Stage } from './network-scope.ts';

export interface DeparturesParts extends ReleaseParts {
  readonly inventory: CloudInventory;
  readonly clock: Clock;
  readonly machines: LeavingMachines;
  readonly ownersWrite: boolean;
  readonly seenWithinMs: number;
  mayWait(ms: number): boolean;
  /** One round of the network's pass with that alone. */
  pass(stage: Stage, ledger: Ledger, signal: AbortSignal): Promise<CloudReport>;
}

export interface Departed {
  readonly ledger: Ledger;
  /** Something was done: the tables are not as they were. */
  readonly hasMoved: boolean;
  readonly findings: readonly Finding[];
}

export class Departures {
  readonly #parts: DeparturesParts;
  readonly #findings: Finding[] = [];

  constructor(parts: DeparturesParts) {
    this.#parts = parts;
  }

  async see(tables: readonly SeenTable[], ledger: Ledger, signal: AbortSignal): Promise<Departed> {
    const { machines, ownersWrite, seenWithinMs, clock, looks } = this.#parts;
    const leaving = [...machines.all.values()].filter((machine) => this.#isPending(machine, tables, ledger));
    if (leaving.length === 0) return { ledger, hasMoved: false, findings: [] };
    const leases = leaving.flatMap(({ instance }) => leasesOf(looks, instance));
    let known = ledger;
    let isNews = false;
    if (ownersWrite) {
      for (const lease of leases)
        isNews = (await release(this.#parts, lease, whyOf(machines, lease), signal)) || isNews;
    } else {
      const told = await this.#parts.pass('tell', known, signal);
      isNews = [...told.outcomes.values()].some(({ key, row }) => ledger.get(key)?.row?.state !== row.state);
      known = told.ledger;
    }
    if (isNews && !this.#parts.mayWait(seenWithinMs))
      return { ledger: known, hasMoved: false, findings: this.#findings };
    if (isNews) await clock.sleep(seenWithinMs, signal);
    const taken = await this.#parts.pass('take', known, signal);
    const stuck = new Set<string>(
      [...taken.outcomes.values()].flatMap(({ row, result, code }) =>
        result === 'held' || result === 'refused' || code !== undefined ? [row.node] : [],
      ),
    );
    for (const { instance, action } of leaving) {
      if (stuck.has(instance)) continue;
      let isFree = true;
      for (const lease of leasesOf(looks, instance))
        isFree = (await release(this.#parts, lease, whyOf(machines, lease), signal)) && isFree;
      if (!isFree || action === undefined) continue;
      try {
        await this.#parts.inventory.completeLifecycle(action, signal);
        await machines.completed(action, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        const { code, message } = asWeftError(error);
        this.#findings.push({ code, message: `the lifecycle action of ${instance} is not completed: ${message}` });
      }
    }
    return { ledger: taken.ledger, hasMoved: true, findings: this.#findings };
  }

  /** Does it still have a lease, a route, or an action that waits? */
  #isPending({ instance, action }: LeavingMachine, tables: readonly SeenTable[], ledger: Ledger): boolean {
    if (action !== undefined || leasesOf(this.#parts.looks, instance).length > 0) return true;
    return [...ledger.values()].some(
      ({ row }) =>
        row?.node === instance &&
        tables.some(
          ({ id, routes }) => id === row.table && routes.some(({ destination }) => destination === row.destination),
        ),
    );
  }
}

const leasesOf = (looks: LeaseLooks, instance: string): Lease[] =>
  [...looks.view.leases.values()].filter(({ attributes }) => attributes.weft?.node === instance);

const whyOf = (machines: LeavingMachines, lease: Lease): string => {
  const node = lease.attributes.weft?.node ?? '';
  return `instance ${node} is leaving: ${machines.all.get(node)?.why ?? ''}`;
};
