/**
 * Passes over a cloud's route tables: look, plan, write, and look again until what was written is seen. What a look shows and the ledger does not know as
 * committed is committed then, so that reading back and adoption are one thing.
 *
 *   look ──► plan ──► ledger rows ──► calls ──► anything called, or not as planned? ──► look again
 */
import type { CloudTable, LedgerRow } from '../core/cloud-route.ts';
import { backoffMs } from '../core/backoff.ts';
import { allowedTables, wantedRoutes } from '../core/desired-routes.ts';
import { printDuration } from '../core/duration.ts';
import { readLedger, type Ledger, type LedgerEntry } from '../core/ledger.ts';
import type { Lease, LeaseView } from '../core/lease.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import type { NodeId } from '../core/node-id.ts';
import { isCall, planRoutes, type RouteCall, type RouteStep } from './cloud-plan.ts';
import type { CloudReport, RouteOutcome, RouteResult } from './cloud-report.ts';
import { RouteWriter, type MayWrite, type RouteWriterParts } from './route-writer.ts';

export interface CloudPassInput {
  /** AWS: the VPC. */
  readonly network: string;
  readonly config: NetworkConfig;
  readonly view: Pick<LeaseView, 'leases' | 'expired'>;
  /** As it was seen last: where it has changed since, it is read anew. */
  readonly ledger: Ledger;
  /** Generation of the `writer` record that is written under. */
  readonly generation: number;
  /** Whose routes; `lease` with what it advertises. */
  readonly own: { readonly node: NodeId; readonly lease: Lease };
  readonly mayWrite: MayWrite;
  /** The lease was released: all routes of this node go, at once. Its quarantine keeps the subnet from others meanwhile. */
  readonly leaving?: boolean;
  /** False: look and plan alone, and write nothing anywhere. */
  readonly writes: boolean;
}

/** A route that is wanted no more goes when a look this much later agrees. */
const REMOVAL_HOLD_MS = 5 * 60_000;
/** Rounds of looking and writing; what is not seen after the last is seen by the next pass. */
const ROUNDS = 6;
const BETWEEN = { baseMs: 500, capMs: 4000, floorMs: 250 };

const DONE = { create: 'created', replace: 'replaced', remove: 'removed' } as const;

export class CloudPasses {
  readonly #parts: RouteWriterParts;
  /** Since when the removal of each route has been wanted without a break. */
  #unwantedSince = new Map<string, number>();

  constructor(parts: RouteWriterParts) {
    this.#parts = parts;
  }

  /** Rejects when the cloud could not be looked at or the store not be written; the next pass goes on from what stands. Never two at once. */
  async pass(input: CloudPassInput, signal: AbortSignal): Promise<CloudReport> {
    const { cloud, clock, random } = this.#parts;
    const { network, config } = input;
    const wish = { network, within: config.v4.network };
    const tables = await cloud.tables(wish, signal);
    const round = new Round(this.#parts, input, tables);
    for (let rounds = 1; ; rounds++) {
      const steps = round.plan();
      this.#agree(steps);
      if (!input.writes) return round.report(steps);
      const again = await round.write(steps, (key) => (input.leaving === true ? 0 : this.#heldForMs(key)), signal);
      if (again === undefined || rounds === ROUNDS) return round.report();
      if (again === 'later') await clock.sleep(backoffMs(rounds, random.fraction(), BETWEEN), signal);
      await round.look(await cloud.tables(wish, signal), signal);
    }
  }

  /** What a pass would begin with now; nothing is written anywhere. Rejects when the cloud could not be looked at. */
  async plan(input: CloudPassInput, signal: AbortSignal): Promise<readonly RouteStep[]> {
    const wish = { network: input.network, within: input.config.v4.network };
    return new Round(this.#parts, input, await this.#parts.cloud.tables(wish, signal)).plan();
  }

  #agree(steps: readonly RouteStep[]): void {
    const since = new Map<string, number>();
    for (const { kind, key } of steps)
      if (kind === 'remove') since.set(key, this.#unwantedSince.get(key) ?? this.#parts.clock.now());
    this.#unwantedSince = since;
  }

  #heldForMs(key: string): number {
    const since = this.#unwantedSince.get(key);
    return since === undefined ? 0 : since + REMOVAL_HOLD_MS - this.#parts.clock.now();
  }
}

/** What one pass knows, from its first look to its last. */
class Round {
  readonly #parts: RouteWriterParts;
  readonly #input: CloudPassInput;
  readonly #ledger: Map<string, LedgerEntry>;
  readonly #writer: RouteWriter;
  readonly #outcomes = new Map<string, RouteOutcome>();
  /** Called for and accepted, to be seen. */
  readonly #called = new Map<string, RouteResult>();
  #tables: readonly CloudTable[];
  #ledgerIsOld = false;

  constructor(parts: RouteWriterParts, input: CloudPassInput, tables: readonly CloudTable[]) {
    this.#parts = parts;
    this.#input = input;
    this.#tables = tables;
    this.#ledger = new Map(input.ledger);
    this.#writer = new RouteWriter(parts, this.#ledger, input.mayWrite);
  }

  async look(tables: readonly CloudTable[], signal: AbortSignal): Promise<void> {
    this.#tables = tables;
    if (!this.#ledgerIsOld) return;
    const { records } = await this.#parts.records.list('ledger', signal);
    this.#ledger.clear();
    for (const [key, entry] of readLedger(records.values())) this.#ledger.set(key, entry);
    this.#ledgerIsOld = false;
  }

  plan(): RouteStep[] {
    const { config, view, network, own, generation, leaving } = this.#input;
    const wanted = wantedRoutes({
      leases: view.leases.values(),
      expired: view.expired,
      network,
      tables: this.#allowed().ids,
      directInSubnet: config.paths.includes('direct'),
      of: own.lease,
    });
    const mine = own.lease.attributes.weft?.fabric?.target;
    const others = new Set(
      [...view.leases.values()].flatMap(({ subnet, key }) => (key === own.lease.key ? [] : subnet.v4)),
    );
    const mayRemove = (row: LedgerRow): boolean =>
      row.destination === own.lease.subnet.v4
        ? row.epoch <= own.lease.epoch
        : // A subnet that is another's now is his to write.
          row.node === own.node && row.target === mine && !others.has(row.destination);
    return planRoutes({
      wanted: leaving === true ? [] : wanted,
      tables: this.#tables,
      ledger: this.#ledger,
      generation,
      mayRemove,
    });
  }

  /** @returns whether it is worth while to look again: at once, or after a pause */
  async write(
    steps: readonly RouteStep[],
    heldForMs: (key: string) => number,
    signal: AbortSignal,
  ): Promise<'now' | 'later' | undefined> {
    let again: 'now' | 'later' | undefined;
    for (const step of steps) {
      if (!isCall(step)) {
        if (await this.#settle(step, signal)) again ??= 'now';
      } else if (this.#called.has(step.key)) {
        this.#tell(step, 'unconfirmed', 'it was called for, and the cloud does not show it yet');
        again = 'later';
      } else {
        const leftMs = step.kind === 'remove' ? heldForMs(step.key) : 0;
        if (leftMs > 0)
          this.#tell(
            step,
            'waiting',
            `no longer wanted; goes in ${printDuration(Math.ceil(leftMs / 1000) * 1000)} if nothing changes`,
          );
        else if (await this.#make(step, signal)) again ??= 'now';
      }
    }
    return again;
  }

  report(planned?: readonly RouteStep[]): CloudReport {
    for (const step of planned ?? [])
      this.#tell(step, step.kind === 'keep' ? 'kept' : 'left', 'routes are not written by this node');
    return { tables: this.#tables, missing: this.#allowed().missing, outcomes: this.#outcomes, ledger: this.#ledger };
  }

  /** @returns whether there is something to be seen, or to be planned anew */
  async #make(step: RouteCall, signal: AbortSignal): Promise<boolean> {
    const written = await this.#writer.write(step, signal);
    switch (written.how) {
      case 'done':
        this.#called.set(step.key, DONE[step.kind]);
        this.#tell(step, 'unconfirmed', 'it was called for, and was not looked at since');
        return true;
      case 'changed':
        this.#ledgerIsOld = true;
        this.#tell(step, 'unconfirmed', written.error.message);
        return true;
      case 'held':
        this.#tell(step, 'held', written.why);
        return false;
      case 'refused':
      case 'unconfirmed': {
        const { code, message, hint } = written.error;
        this.#outcomes.set(step.key, {
          key: step.key,
          row: step.row,
          result: written.how,
          code,
          why: message,
          ...(hint === undefined ? {} : { hint }),
        });
        if (step.kind === 'remove') return false;
        return (
          (await this.#writer.note(step.key, { ...step.row, state: 'refused', why: message }, signal)) !== undefined
        );
      }
    }
  }

  /** What needs no call. @returns whether the ledger is not as it was read */
  async #settle(step: Exclude<RouteStep, RouteCall>, signal: AbortSignal): Promise<boolean> {
    const { key, row } = step;
    const called = this.#called.get(key);
    if (step.kind === 'leave') {
      this.#tell(step, 'left', step.why);
      return false;
    }
    if (step.kind === 'keep') {
      this.#tell(step, called ?? this.#settledBefore(key) ?? 'kept');
      return false;
    }
    const changed =
      step.kind === 'forget' ? await this.#forget(step.entry, signal) : await this.#writer.note(key, row, signal);
    if (step.kind === 'refuse')
      this.#outcomes.set(key, {
        key,
        row,
        result: 'refused',
        code: step.code,
        hint: step.hint,
        ...(row.why === undefined ? {} : { why: row.why }),
      });
    else this.#tell(step, called ?? (step.kind === 'forget' ? 'forgotten' : 'adopted'));
    if (changed !== undefined) this.#ledgerIsOld = true;
    return changed !== undefined;
  }

  /** What an earlier round of this pass did stays said. */
  #settledBefore(key: string): RouteResult | undefined {
    const before = this.#outcomes.get(key)?.result;
    return before === 'adopted' ? before : undefined;
  }

  async #forget(entry: LedgerEntry | undefined, signal: AbortSignal) {
    return entry === undefined ? undefined : this.#writer.forget(entry, signal);
  }

  #tell({ key, row }: RouteStep, result: RouteResult, why?: string): void {
    this.#outcomes.set(key, { key, row, result, ...(why === undefined ? {} : { why }) });
  }

  #allowed() {
    return allowedTables(this.#input.config.routeTables, this.#tables);
  }
}
