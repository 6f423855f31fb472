/**
 * Every API call that is made, and the permission each needs: node policies and the CDK constructs are made from this list, and a test
 * holds it and the calls that are really made together. A transaction needs the permissions of its items
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html).
 */

/** By nodes. */
export const STORE_CALLS = {
  GetItem: ['dynamodb:GetItem'],
  BatchGetItem: ['dynamodb:BatchGetItem'],
  Query: ['dynamodb:Query'],
  PutItem: ['dynamodb:PutItem'],
  UpdateItem: ['dynamodb:UpdateItem'],
  DeleteItem: ['dynamodb:DeleteItem'],
  TransactWriteItems: ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem', 'dynamodb:ConditionCheckItem'],
} as const;

/** By the reconciler, which claims no lease. */
export const RECONCILER_STORE_CALLS = {
  GetItem: ['dynamodb:GetItem'],
  Query: ['dynamodb:Query'],
  PutItem: ['dynamodb:PutItem'],
  UpdateItem: ['dynamodb:UpdateItem'],
  DeleteItem: ['dynamodb:DeleteItem'],
  TransactWriteItems: ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
} as const;

/** By the operator who looks at the network and writes its config (`weftd config set`). */
export const CONFIG_CALLS = {
  GetItem: ['dynamodb:GetItem'],
  Query: ['dynamodb:Query'],
  UpdateItem: ['dynamodb:UpdateItem'],
  TransactWriteItems: ['dynamodb:PutItem'],
} as const;

/** By the operator who makes the table (`weftd config set --create-table`). */
export const TABLE_CALLS = {
  DescribeTable: ['dynamodb:DescribeTable'],
  CreateTable: ['dynamodb:CreateTable'],
  DescribeTimeToLive: ['dynamodb:DescribeTimeToLive'],
  UpdateTimeToLive: ['dynamodb:UpdateTimeToLive'],
} as const;

/**
 * By the Lambda service, which reads the table's stream for the reconciler with its role
 * (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html). No code of ours reads it.
 */
export const STREAM_CALLS = {
  DescribeStream: ['dynamodb:DescribeStream'],
  GetRecords: ['dynamodb:GetRecords'],
  GetShardIterator: ['dynamodb:GetShardIterator'],
} as const;

/** Looked at when the stream is joined to the function; of any stream of the table. */
export const STREAM_LISTS = {
  ListStreams: ['dynamodb:ListStreams'],
} as const;

const permissions = (calls: Readonly<Record<string, readonly string[]>>): readonly string[] =>
  [...new Set(Object.values(calls).flat())].toSorted();

/** IAM actions on the table. */
export const STORE_PERMISSIONS = permissions(STORE_CALLS);
export const TABLE_PERMISSIONS = permissions(TABLE_CALLS);
