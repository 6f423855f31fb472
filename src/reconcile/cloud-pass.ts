/**
 * Passes over a cloud's route tables: look, plan, write, and look again until what was written is seen. What a look shows and the ledger does not know as
 * committed is committed then, so that reading back and adoption are one thing. A node passes over its own routes, the reconciler over everybody's: whose
 * they are is told by the scope.
 *
 *   look ──► plan ──► ledger rows ──► calls ──► anything called, or not as planned? ──► look again
 */
import { backoffMs } from '../core/backoff.ts';
import type { Ledger } from '../core/ledger.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import type { RouteStep } from './cloud-plan.ts';
import type { CloudReport } from './cloud-report.ts';
import { CloudRound } from './cloud-round.ts';
import type { CloudScope, SeenTable } from './cloud-scope.ts';
import type { RouteWriterParts } from './route-writer.ts';

export interface CloudPassInput {
  readonly config: NetworkConfig;
  /** As it was seen last: where it has changed since, it is read anew. */
  readonly ledger: Ledger;
  readonly scope: CloudScope;
  /** False: look and plan alone, and write nothing anywhere. */
  readonly writes: boolean;
  /** As they were seen a moment ago; undefined: the pass looks itself. */
  readonly tables?: readonly SeenTable[] | undefined;
}

const BETWEEN = { baseMs: 500, capMs: 4000, floorMs: 250 };

export class CloudPasses {
  readonly #parts: RouteWriterParts;

  constructor(parts: RouteWriterParts) {
    this.#parts = parts;
  }

  /** Rejects when the cloud could not be looked at or the store not be written; the next pass goes on from what stands. Never two at once. */
  async pass(input: CloudPassInput, signal: AbortSignal): Promise<CloudReport> {
    const { clock, random } = this.#parts;
    const { rounds, pauses } = input.scope.pace;
    const round = new CloudRound(this.#parts, input, input.tables ?? (await this.look(input, signal)));
    let paused = 0;
    for (let number = 1; ; number++) {
      const steps = round.plan();
      if (!input.writes) return round.report(steps);
      const again = await round.write(steps, signal);
      if (again === undefined || number === rounds || (again === 'later' && paused++ === pauses)) return round.report();
      const pauseMs = again === 'later' ? backoffMs(number, random.fraction(), BETWEEN) : 0;
      if (input.scope.mayLookAgain?.(pauseMs) === false) return round.report();
      await clock.sleep(pauseMs, signal);
      await round.look(await this.look(input, signal), signal);
    }
  }

  /** What a pass would begin with now; nothing is written anywhere. Rejects when the cloud could not be looked at. */
  async plan(input: CloudPassInput, signal: AbortSignal): Promise<readonly RouteStep[]> {
    return new CloudRound(this.#parts, input, input.tables ?? (await this.look(input, signal))).plan();
  }

  /** The tables of all networks of the scope. */
  async look(
    { config, scope }: { readonly config: NetworkConfig; readonly scope: Pick<CloudScope, 'networks'> },
    signal: AbortSignal,
  ): Promise<readonly SeenTable[]> {
    const looks = scope.networks.map(async (network) => {
      const tables = await this.#parts.cloud.tables({ network, within: config.v4.network }, signal);
      return tables.map((table): SeenTable => ({ ...table, network }));
    });
    return (await Promise.all(looks)).flat();
  }
}
