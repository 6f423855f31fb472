/** One network's rows in the table: the few calls we make, each with a deadline, repeated where that is safe, errors translated. */
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../src/contracts/clock.ts';
import type { Random } from '../../src/contracts/random.ts';
import { attempt } from './attempts.ts';
import { attributeItem, plainItem, type Plain } from './attributes.ts';
import type { Connection } from './client.ts';
import { expression, type Condition, type Update } from './expression.ts';
import { networkPartition } from './sort-keys.ts';
import { PARTITION_KEY, SORT_KEY } from './table.ts';
import { transactionOutcome, type Outcome } from './transaction-outcome.ts';

export interface PartitionOptions {
  readonly connection: Connection;
  readonly table: string;
  readonly network: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** Sort keys, both inclusive. */
export interface Range {
  readonly from: string;
  readonly to: string;
}

/** Every row whose key begins so: `~` sorts behind all that follows a `#` in our keys. */
export const rowsUnder = (prefix: string): Range => ({ from: prefix, to: `${prefix}~` });

export type Reading = 'strong' | 'eventual';

/** One item of a transaction. */
export type Step = { readonly row: string; readonly condition: Condition } & (
  | { readonly op: 'put'; readonly item: Plain }
  | { readonly op: 'update'; readonly update: Update }
  | { readonly op: 'remove' }
  | { readonly op: 'check' }
);

/** Written, with the row as it is now; or not, with the row as it stood (undefined: there was none). */
export type Written =
  | { readonly done: true; readonly row: Plain }
  | { readonly done: false; readonly row: Plain | undefined };

/** Keeps the parsed answer small (PACKAGES.md 0.8); at 500 bytes a lease it is a quarter of DynamoDB's own limit of 1 MB. */
const PAGE = 500;

export class Partition {
  readonly table: string;
  readonly network: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly #connection: Connection;
  readonly #partition: string;

  constructor({ connection, table, network, clock, random }: PartitionOptions) {
    this.#connection = connection;
    this.table = table;
    this.network = network;
    this.clock = clock;
    this.random = random;
    this.#partition = networkPartition(network);
  }

  /** The store's own time as its newest answer gave it, in ms since 1970. */
  storeTime(): number | undefined {
    return this.#connection.storeTime();
  }

  async row(row: string, reading: Reading, signal: AbortSignal): Promise<Plain | undefined> {
    const command = new GetItemCommand({
      TableName: this.table,
      Key: this.#key(row),
      ConsistentRead: reading === 'strong',
    });
    const { Item } = await this.#call(`read row ${row}`, true, signal, (client, abort) => client.send(command, abort));
    return Item === undefined ? undefined : plainItem(Item);
  }

  /** Several rows in one strong read, by their sort keys. A row that the store left out for now is not there. */
  async rows(rows: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Plain>> {
    const command = new BatchGetItemCommand({
      RequestItems: { [this.table]: { Keys: rows.map((row) => this.#key(row)), ConsistentRead: true } },
    });
    const { Responses } = await this.#call(`read rows ${rows.join(', ')}`, true, signal, (client, abort) =>
      client.send(command, abort),
    );
    return new Map((Responses?.[this.table] ?? []).map((item) => [item[SORT_KEY]?.S ?? '', plainItem(item)]));
  }

  /** The rows of a range in key order, page by page. */
  async *pages(range: Range, reading: Reading, signal: AbortSignal): AsyncGenerator<readonly Plain[]> {
    let start: Record<string, AttributeValue> | undefined;
    do {
      const command = new QueryCommand({
        TableName: this.table,
        KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :to',
        ExpressionAttributeNames: { '#pk': PARTITION_KEY, '#sk': SORT_KEY },
        ExpressionAttributeValues: attributeItem({ ':pk': this.#partition, ':from': range.from, ':to': range.to }),
        ConsistentRead: reading === 'strong',
        Limit: PAGE,
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      });
      const page = await this.#call(`read rows from ${range.from}`, true, signal, (client, abort) =>
        client.send(command, abort),
      );
      yield (page.Items ?? []).map(plainItem);
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
  }

  /** Writes a whole row. When an attempt's answer was lost, the next one may find our own writing: compare `row` with what was to be written. */
  async put(row: string, item: Plain, condition: Condition, signal: AbortSignal): Promise<Written> {
    const command = new PutItemCommand({
      TableName: this.table,
      Item: { ...this.#key(row), ...attributeItem(item) },
      ...expression(condition),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    return this.#conditional(`write row ${row}`, true, signal, async (client, abort) => {
      await client.send(command, abort);
      return item;
    });
  }

  /** `repeatable`: an update that happens twice because an answer was lost is as good as one that happened once. */
  async update(
    row: string,
    update: Update,
    condition: Condition,
    repeatable: boolean,
    signal: AbortSignal,
  ): Promise<Written> {
    const command = new UpdateItemCommand({
      TableName: this.table,
      Key: this.#key(row),
      ...expression(condition, update),
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    return this.#conditional(`update row ${row}`, repeatable, signal, async (client, abort) =>
      plainItem((await client.send(command, abort)).Attributes ?? {}),
    );
  }

  async remove(row: string, condition: Condition, signal: AbortSignal): Promise<Written> {
    const command = new DeleteItemCommand({
      TableName: this.table,
      Key: this.#key(row),
      ...expression(condition),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    return this.#conditional(`remove row ${row}`, true, signal, async (client, abort) => {
      await client.send(command, abort);
      return {};
    });
  }

  /** All steps or none. Repeats carry one token, so that a transaction whose answer was lost is not run again (the store remembers it for 10 minutes). */
  async transact(
    doing: string,
    steps: readonly Step[],
    conflict: 'fails' | 'refuses',
    signal: AbortSignal,
  ): Promise<Outcome> {
    const command = new TransactWriteItemsCommand({
      TransactItems: steps.map((step) => this.#item(step)),
      ClientRequestToken: randomUUID(),
    });
    return this.#call(doing, true, signal, async (client, abort) => {
      try {
        await client.send(command, abort);
        return { done: true };
      } catch (error) {
        return transactionOutcome(error, steps.length, conflict);
      }
    });
  }

  #item(step: Step): TransactWriteItem {
    const common = { TableName: this.table, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const };
    const Key = this.#key(step.row);
    switch (step.op) {
      case 'put':
        return { Put: { ...common, Item: { ...Key, ...attributeItem(step.item) }, ...expression(step.condition) } };
      case 'update': {
        const { UpdateExpression = '', ...rest } = expression(step.condition, step.update);
        return { Update: { ...common, Key, UpdateExpression, ...rest } };
      }
      case 'remove':
        return { Delete: { ...common, Key, ...expression(step.condition) } };
      case 'check': {
        const { ConditionExpression = '', ...rest } = expression(step.condition);
        return { ConditionCheck: { ...common, Key, ConditionExpression, ...rest } };
      }
    }
  }

  #key(row: string): Record<string, AttributeValue> {
    return attributeItem({ [PARTITION_KEY]: this.#partition, [SORT_KEY]: row });
  }

  async #conditional(
    doing: string,
    repeatable: boolean,
    signal: AbortSignal,
    send: (client: DynamoDBClient, abort: Abort) => Promise<Plain>,
  ): Promise<Written> {
    return this.#call(doing, repeatable, signal, async (client, abort) => {
      try {
        return { done: true, row: await send(client, abort) };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return { done: false, row: error.Item === undefined ? undefined : plainItem(error.Item) };
      }
    });
  }

  #call<T>(
    doing: string,
    repeatable: boolean,
    signal: AbortSignal,
    send: (client: DynamoDBClient, abort: Abort) => Promise<T>,
  ): Promise<T> {
    const { table, clock, random } = this;
    return attempt({ doing, repeatable, table, clock, random, signal }, () =>
      send(this.#connection.client, { abortSignal: signal }),
    );
  }
}

interface Abort {
  readonly abortSignal: AbortSignal;
}
