/**
 * What a DynamoDB request does, item by item: a transaction and a batch need the rights of their items
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html), and `dynamodb:LeadingKeys` are the partition keys that it names
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html).
 */
import type { Place } from './principal.ts';
import type { Deed } from './refusal.ts';

type Json = Readonly<Record<string, unknown>>;

/** Items of one table that are dealt with in one way. */
interface Part {
  readonly action: string;
  readonly table: string;
  /** Undefined: the call names no row. */
  readonly leadingKeys?: readonly string[];
}

/** Name of a table's partition key; undefined: there is no such table. */
export type KeyOfTable = (table: string) => string | undefined;

/** Tables that a request names: their keys must be known before it can be judged. */
export function tablesOf(operation: string, body: Json): readonly string[] {
  return [...new Set(partsOf(operation, body, () => undefined).map(({ table }) => table))].filter((it) => it !== '');
}

export function dynamoDeeds(operation: string, body: Json, keyOf: KeyOfTable, place: Place): readonly Deed[] {
  const enclosing = operation.startsWith('Transact') ? { 'dynamodb:EnclosingOperation': operation } : {};
  return partsOf(operation, body, keyOf).map(({ action, table, leadingKeys }) => ({
    action: `dynamodb:${action}`,
    resources: [
      {
        arn: table === '' ? '*' : tableArn(table, place),
        context: { ...enclosing, ...(leadingKeys === undefined ? {} : { 'dynamodb:LeadingKeys': leadingKeys }) },
      },
    ],
  }));
}

/** A table may be named by its ARN. */
const tableArn = (table: string, { region, account }: Place): string =>
  table.startsWith('arn:') ? table : `arn:aws:dynamodb:${region}:${account}:table/${table}`;

function partsOf(operation: string, body: Json, keyOf: KeyOfTable): readonly Part[] {
  const table = textOf(body['TableName']);
  switch (operation) {
    case 'GetItem':
    case 'UpdateItem':
    case 'DeleteItem':
      return [rows(operation, table, [body['Key']], keyOf)];
    case 'PutItem':
      return [rows(operation, table, [body['Item']], keyOf)];
    case 'Query':
      return [{ action: operation, table, leadingKeys: queriedKeys(body, keyOf(table)) }];
    case 'BatchGetItem':
      return Object.entries(recordOf(body['RequestItems'])).map(([name, wish]) =>
        rows(operation, name, listOf(recordOf(wish)['Keys']), keyOf),
      );
    case 'BatchWriteItem':
      return Object.entries(recordOf(body['RequestItems'])).map(([name, wishes]) => {
        const items = listOf(wishes).map((wish) => {
          const { PutRequest, DeleteRequest } = recordOf(wish);
          return PutRequest === undefined ? recordOf(DeleteRequest)['Key'] : recordOf(PutRequest)['Item'];
        });
        return rows(operation, name, items, keyOf);
      });
    case 'TransactGetItems':
    case 'TransactWriteItems':
      return listOf(body['TransactItems']).flatMap((item) =>
        Object.entries(recordOf(item)).map(([kind, wish]) => {
          const { TableName, Key, Item } = recordOf(wish);
          return rows(TRANSACTED[kind] ?? kind, textOf(TableName), [Key ?? Item], keyOf);
        }),
      );
    default:
      return [{ action: operation, table }];
  }
}

const TRANSACTED: Readonly<Record<string, string>> = {
  Get: 'GetItem',
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
};

function rows(action: string, table: string, items: readonly unknown[], keyOf: KeyOfTable): Part {
  const key = keyOf(table);
  return { action, table, leadingKeys: key === undefined ? [] : items.map((item) => valueOf(recordOf(item)[key])) };
}

/** `#pk = :pk` in the key condition, with what the two stand for. One that cannot be found here is a key that no policy names. */
function queriedKeys(body: Json, key: string | undefined): readonly string[] {
  const names = recordOf(body['ExpressionAttributeNames']);
  const values = recordOf(body['ExpressionAttributeValues']);
  const found = [...textOf(body['KeyConditionExpression']).matchAll(/([#\w.-]+)\s*=\s*(:\w+)/g)].flatMap(
    ([, name = '', value = '']) => ((names[name] ?? name) === key ? [valueOf(values[value])] : []),
  );
  return found.length > 0 ? found : [''];
}

/** `{"S": "net#default"}`, of whichever type. */
const valueOf = (attribute: unknown): string => textOf(Object.values(recordOf(attribute))[0]);

const recordOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
