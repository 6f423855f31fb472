/** The suites that every store passes, on DynamoDB. */
import { after, before, describe } from 'node:test';
import { leaseStoreContract } from '../contract/lease-store.ts';
import { recordsContract } from '../contract/records.ts';
import { worldsIn, type DynamoWorld } from './dynamodb-world.ts';
import { startDynamoDB, whyNoDynamoDB, type TestDynamoDB } from './emulator.ts';

describe('DynamoDB', { skip: whyNoDynamoDB() ?? false }, () => {
  let server: TestDynamoDB;
  let makeWorld: () => Promise<DynamoWorld>;
  before(async () => {
    server = await startDynamoDB();
    makeWorld = await worldsIn(server.endpoint);
  });
  after(() => server.stop());

  leaseStoreContract('DynamoDB', () => makeWorld());
  recordsContract('DynamoDB', () => makeWorld());
});
