/**
 * Machines on their way out, in the order in which no packet is lost:
 *
 *   senders are told ──► they have had the time to leave ──► routes go ──► the lease is released ──► the machine may go
 *                 └─► nothing arrives there any more ──────────┘
 *
 * Senders are told at once, of however many machines; the time that they have is one wait for all, in a run that has nobody behind it. A run that does not
 * wait leaves the routes of those that still carry packets where they are.
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

export interface DeparturesParts extends ReleaseParts {
  readonly inventory: CloudInventory;
  readonly clock: Clock;
  readonly machines: LeavingMachines;
  readonly ownersWrite: boolean;
  readonly seenWithinMs: number;
  /** The runs' age. */
  readonly ageMs: number;
  mayWait(ms: number): boolean;
  /** Nothing arrives at this machine any more, by the cloud's word. */
  isEnded(instance: string): boolean;
  /** One round of the network's pass, with that alone, and of these machines alone. */
  pass(
    stage: 'tell' | 'take',
    instances: ReadonlySet<string>,
    ledger: Ledger,
    signal: AbortSignal,
  ): Promise<CloudReport>;
}

export interface Departed {
  readonly ledger: Ledger;
  /** Something was done: the tables are not as they were. */
  readonly hasMoved: boolean;
  /** Machines whose senders have been told, and had no time to leave yet. */
  readonly lingering: ReadonlySet<string>;
  readonly findings: readonly Finding[];
}

/**
 * Whose senders were told so long ago has been left. More than a clock that jumps can add to the age between two runs: less would prove nothing, and be
 * saved by nobody.
 */
const TOLD_LONG_MS = 5 * 60_000;

export class Departures {
  readonly #parts: DeparturesParts;
  readonly #findings: Finding[] = [];

  constructor(parts: DeparturesParts) {
    this.#parts = parts;
  }

  async see(tables: readonly SeenTable[], ledger: Ledger, signal: AbortSignal): Promise<Departed> {
    const { machines, clock, seenWithinMs, ageMs, isEnded } = this.#parts;
    const leaving = [...machines.all.values()].filter((machine) => this.#isPending(machine, tables, ledger));
    if (leaving.length === 0) return { ledger, hasMoved: false, lingering: new Set(), findings: [] };
    const told = await this.#tell(leaving, ledger, signal);
    const alive = leaving.filter(({ instance }) => !isEnded(instance) && hasRoutes(instance, tables, ledger));
    const idle = leaving.filter((machine) => !alive.includes(machine));
    const idleLeft = await this.#take(idle, told.ledger, signal);
    // Whoever sends to one that still carries packets is given the time to leave; to the others nothing arrives as it is.
    const isNews = told.isNews || alive.some(({ sinceMs }) => ageMs - sinceMs < TOLD_LONG_MS);
    if (alive.length > 0 && isNews && !this.#parts.mayWait(seenWithinMs))
      return {
        ledger: idleLeft,
        hasMoved: idle.length > 0,
        lingering: namesOf(alive),
        findings: this.#findings,
      };
    if (alive.length > 0 && isNews) await clock.sleep(seenWithinMs, signal);
    const left = await this.#take(alive, idleLeft, signal);
    return { ledger: left, hasMoved: true, lingering: new Set(), findings: this.#findings };
  }

  /** @returns whether there was anybody to be told, by what was written */
  async #tell(
    leaving: readonly LeavingMachine[],
    ledger: Ledger,
    signal: AbortSignal,
  ): Promise<{ readonly ledger: Ledger; readonly isNews: boolean }> {
    const { ownersWrite, pass } = this.#parts;
    if (ownersWrite) {
      let isNews = false;
      for (const { instance, why } of leaving) isNews = (await this.#release(instance, why, signal)) > 0 || isNews;
      return { ledger, isNews };
    }
    const told = await pass('tell', namesOf(leaving), ledger, signal);
    const isNews = [...told.outcomes.values()].some(({ key, row }) => ledger.get(key)?.row?.state !== row.state);
    return { ledger: told.ledger, isNews };
  }

  async #take(leaving: readonly LeavingMachine[], ledger: Ledger, signal: AbortSignal): Promise<Ledger> {
    const { machines, looks, inventory, pass } = this.#parts;
    if (leaving.length === 0) return ledger;
    const taken = await pass('take', namesOf(leaving), ledger, signal);
    const stuck = new Set<string>(
      [...taken.outcomes.values()].flatMap(({ row, result, code }) =>
        result === 'held' || result === 'refused' || code !== undefined ? [row.node] : [],
      ),
    );
    for (const { instance, why, action } of leaving) {
      if (stuck.has(instance)) continue;
      await this.#release(instance, why, signal);
      if (action === undefined || leasesOf(looks, instance).length > 0) continue;
      try {
        await inventory.completeLifecycle(action, signal);
        await machines.completed(action, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        const { code, message } = asWeftError(error);
        this.#findings.push({ code, message: `the lifecycle action of ${instance} is not completed: ${message}` });
      }
    }
    return taken.ledger;
  }

  /** @returns how many leases it had that nobody has now */
  async #release(instance: string, why: string, signal: AbortSignal): Promise<number> {
    let released = 0;
    for (const lease of leasesOf(this.#parts.looks, instance))
      if (await release(this.#parts, lease, `instance ${instance} is leaving: ${why}`, signal)) released += 1;
    return released;
  }

  /** Does it still have a lease, a route, or an action that waits? */
  #isPending({ instance, action }: LeavingMachine, tables: readonly SeenTable[], ledger: Ledger): boolean {
    if (action !== undefined || leasesOf(this.#parts.looks, instance).length > 0) return true;
    return hasRoutes(instance, tables, ledger);
  }
}

const hasRoutes = (instance: string, tables: readonly SeenTable[], ledger: Ledger): boolean =>
  [...ledger.values()].some(
    ({ row }) =>
      row?.node === instance &&
      tables.some(
        ({ id, routes }) => id === row.table && routes.some(({ destination }) => destination === row.destination),
      ),
  );

const leasesOf = (looks: LeaseLooks, instance: string): Lease[] =>
  [...looks.view.leases.values()].filter(({ attributes }) => attributes.weft?.node === instance);

const namesOf = (leaving: readonly LeavingMachine[]): ReadonlySet<string> =>
  new Set(leaving.map(({ instance }) => instance));
