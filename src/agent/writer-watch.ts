/**
 * Who writes this network's routes, as the `writer` record says from moment to moment. The network config is only the operator's wish: towards the reconciler
 * a reconciler hands over once it runs; back to the nodes whichever node sees the wish first.
 */
import type { Clock } from '../contracts/clock.ts';
import type { Log } from '../contracts/log.ts';
import type { Random } from '../contracts/random.ts';
import type { Records } from '../contracts/records.ts';
import { backoffMs } from '../core/backoff.ts';
import { Bell } from '../core/bell.ts';
import { asWeftError } from '../core/errors.ts';
import type { JsonValue } from '../core/json.ts';
import type { Ledger } from '../core/ledger.ts';
import type { NodeId } from '../core/node-id.ts';
import { ROUTE_WRITER_KEY, routeWriter, type RouteWriter } from '../core/route-writer.ts';
import { handOver } from '../reconcile/handover.ts';
import type { OwnAudit } from './own-audit.ts';

export interface WriterWatchParts {
  readonly records: Records;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly node: NodeId;
  /** What the network config says. */
  readonly configured: () => RouteWriter['mode'];
  /** As it was seen last. */
  readonly ledger: () => Ledger;
  readonly audit: OwnAudit;
  /** Told what was said before; undefined: nothing yet. */
  readonly onChange: (before: RouteWriter | undefined) => void;
}

/** All nodes see a new config within a moment of each other, and one of them is enough. */
const SPREAD_MS = 2000;
const PAUSE = { baseMs: 2000, capMs: 60_000, floorMs: 1000 };

export class WriterWatch {
  readonly #parts: WriterWatchParts;
  readonly #bell = new Bell();
  /** What stands in the record; undefined before it is read. */
  #record: { readonly value: JsonValue | undefined } | undefined;
  #told: RouteWriter | undefined;

  constructor(parts: WriterWatchParts) {
    this.#parts = parts;
  }

  /** As far as it is known; before the record is read what the network config says. */
  get value(): RouteWriter {
    const value = this.#record?.value;
    // Where nodes have ever written they go on, until a reconciler says otherwise (reconcile/handover.ts).
    const hasBegun = value === undefined && this.#parts.ledger().size > 0;
    return routeWriter(value, hasBegun ? 'node' : this.#parts.configured());
  }

  /** The network config may be another. */
  see(): void {
    if (this.#isDue) this.#bell.ring();
  }

  /** By the record as it stands, handed over to the nodes first where that is wanted. Rejects with what the store says. */
  async now(signal: AbortSignal): Promise<RouteWriter> {
    const { records, configured, node, ledger } = this.#parts;
    const wish = { configured: configured(), side: 'node', by: node, ledger: ledger(), writes: true } as const;
    const { writer, from } = await handOver(records, wish, signal);
    if (from === undefined) return writer;
    this.#take({ ...writer });
    const { audit } = this.#parts;
    const why = 'the network config wants it';
    await audit.add({ action: 'handed over', before: from.mode, after: writer.mode, why }, signal);
    await audit.flush(signal);
    return writer;
  }

  /** Runs until the signal fires (ABORTED). */
  async run(signal: AbortSignal): Promise<never> {
    const [never] = await Promise.all([this.#handBack(signal), this.#follow(signal)]);
    return never;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    for await (const { records } of this.#parts.records.watch('writer', signal))
      this.#take(records.get(ROUTE_WRITER_KEY)?.value);
  }

  async #handBack(signal: AbortSignal): Promise<never> {
    const { clock, random, log } = this.#parts;
    for (let failures = 0; ;) {
      if (!this.#isDue) await this.#bell.wait(clock, Infinity, signal);
      await clock.sleep(
        failures === 0 ? SPREAD_MS * random.fraction() : backoffMs(failures, random.fraction(), PAUSE),
        signal,
      );
      if (!this.#isDue) continue;
      try {
        await this.now(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) throw error;
        failures += 1;
        const { code, message } = asWeftError(error);
        log.debug({ code, why: message }, 'routes could not be handed over to the nodes yet');
      }
    }
  }

  /** The reconciler writes, and the nodes ought to. */
  get #isDue(): boolean {
    return this.#record !== undefined && this.value.mode === 'reconciler' && this.#parts.configured() === 'node';
  }

  #take(value: JsonValue | undefined): void {
    this.#record = { value };
    const before = this.#told;
    const { mode, generation } = (this.#told = this.value);
    if (before?.mode === mode && before.generation === generation) return;
    if (before !== undefined && before.mode !== mode)
      this.#parts.log.info({ why: mode, count: generation }, 'cloud routes are written by another hand');
    if (this.#isDue) this.#bell.ring();
    this.#parts.onChange(before);
  }
}
