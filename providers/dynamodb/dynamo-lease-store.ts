/** `LeaseStore` in the table. */
import type { Claimed, ClaimWish, LeaseStore, ViewChange } from '../../src/contracts/lease-store.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { Lease, LeaseAttributes, StoredConfig } from '../../src/core/lease.ts';
import { change } from './changes.ts';
import { claim } from './claim.ts';
import type { Condition } from './expression.ts';
import type { Feed, Pace } from './feed.ts';
import { LeaseFollower, storedConfig } from './lease-follower.ts';
import { release, renew } from './ownership.ts';
import type { Partition } from './partition.ts';
import { readRow } from './rows.ts';
import { CONFIG_ROW } from './sort-keys.ts';

export class DynamoLeaseStore implements LeaseStore {
  readonly #partition: Partition;
  readonly #feed: Feed;
  readonly #pace: Pace;
  readonly #changed = (): void => this.#feed.look();

  constructor(partition: Partition, feed: Feed, pace: Pace) {
    this.#partition = partition;
    this.#feed = feed;
    this.#pace = pace;
  }

  async config(signal: AbortSignal): Promise<StoredConfig | undefined> {
    const item = await this.#partition.row(CONFIG_ROW, 'strong', signal);
    const row = item === undefined ? undefined : readRow(CONFIG_ROW, item);
    if (row === undefined) return undefined;
    if (row.kind === 'config') return storedConfig(row);
    throw new WeftError(
      'STORE_TABLE_WRONG',
      `row ${CONFIG_ROW} of network ${this.#partition.network} in DynamoDB table ${this.#partition.table} cannot be read: ${row.kind === 'bad' ? row.why : row.kind}`,
      {
        hint: 'remove that row, then write the config with `weftd config set`',
      },
    );
  }

  async writeConfig(
    text: string,
    ifVersion: string | 'absent' | undefined,
    signal: AbortSignal,
  ): Promise<StoredConfig> {
    const outcome = await change(
      this.#partition,
      {
        doing: 'write the network config',
        row: CONFIG_ROW,
        condition: configCondition(ifVersion),
        content: (seq) => ({ text, seq }),
      },
      signal,
    );
    if (!outcome.done)
      throw new WeftError(
        'RECORD_CHANGED',
        `the network config stands otherwise: expected ${ifVersion === 'absent' ? 'none' : `version ${ifVersion}`}; nothing was written`,
      );
    this.#changed();
    return storedConfig({ text, seq: outcome.seq });
  }

  async *watch(
    signal: AbortSignal,
    onTrouble: (error: unknown) => void = () => undefined,
    reading: 'quick' | 'exact' = 'quick',
  ): AsyncGenerator<ViewChange> {
    const { clock, random } = this.#partition;
    const follower = new LeaseFollower(clock, random, {
      leastMs: this.#pace.slowMs,
      startsFrom: reading === 'exact' ? 'rows' : 'snapshot',
      trouble: onTrouble,
    });
    const leave = this.#feed.join(follower);
    try {
      for (;;) {
        await follower.next(signal);
        if (signal.aborted) return;
        yield follower.take();
      }
    } finally {
      leave();
    }
  }

  async claim(wish: ClaimWish, signal: AbortSignal): Promise<Claimed> {
    const claimed = await claim(this.#partition, wish, (lease) => this.release(lease, signal), signal);
    this.#changed();
    return claimed;
  }

  renew(lease: Lease, attributes: LeaseAttributes, ttlMs: number, signal: AbortSignal): Promise<Lease> {
    return renew(this.#partition, lease, attributes, ttlMs, this.#changed, signal);
  }

  release(lease: Lease, signal: AbortSignal): Promise<void> {
    return release(this.#partition, lease, this.#changed, signal);
  }
}

function configCondition(ifVersion: string | 'absent' | undefined): Condition {
  if (ifVersion === undefined) return 'none';
  if (ifVersion === 'absent') return 'absent';
  // Another hand's row may have no number; it is version 0.
  return ifVersion === '0' ? { attribute: 'seq', below: 1 } : { equal: { seq: Number(ifVersion) } };
}
