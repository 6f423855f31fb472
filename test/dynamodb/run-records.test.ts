/** What reconcilers keep in the store, on DynamoDB. */
import { after, before, describe } from 'node:test';
import { lockProcesses } from '../contract/lock-processes.ts';
import { runRecordsContract } from '../contract/run-records.ts';
import { REGION, worldsIn, type DynamoWorld } from './dynamodb-world.ts';
import { startDynamoDB, whyNoDynamoDB, type TestDynamoDB } from './emulator.ts';

describe('DynamoDB', { skip: whyNoDynamoDB() ?? false }, () => {
  let server: TestDynamoDB;
  let makeWorld: () => Promise<DynamoWorld>;
  before(async () => {
    server = await startDynamoDB();
    makeWorld = await worldsIn(server.endpoint);
  });
  after(() => server.stop());

  runRecordsContract('DynamoDB', () => makeWorld());

  describe('the lock of processes', () => {
    lockProcesses(async () => {
      const world = await makeWorld();
      const url = `dynamodb://${world.table}?network=${world.network}&region=${REGION}`;
      await world.close();
      return { url, endpoint: server.endpoint };
    });
  });
});
