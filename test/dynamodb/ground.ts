/** What a test file on DynamoDB stands on: one server and one proxy a file, one fresh network a test. */
import { DeleteItemCommand, DynamoDBClient, UpdateItemCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { after, afterEach, before, beforeEach, describe } from 'node:test';
import { attributeItem } from '../../providers/dynamodb/attributes.ts';
import { networkPartition } from '../../providers/dynamodb/sort-keys.ts';
import { REGION, worldsIn, type DynamoPeer, type DynamoWorld } from './dynamodb-world.ts';
import { startDynamoDB, whyNoDynamoDB, type TestDynamoDB } from './emulator.ts';
import { FaultProxy } from './fault-proxy.ts';

export class Ground {
  readonly server: TestDynamoDB;
  readonly proxy: FaultProxy;
  /** Past all that is tested. */
  readonly raw: DynamoDBClient;
  readonly makeWorld: () => Promise<DynamoWorld>;
  world: DynamoWorld;

  private constructor(
    server: TestDynamoDB,
    proxy: FaultProxy,
    makeWorld: () => Promise<DynamoWorld>,
    world: DynamoWorld,
  ) {
    this.server = server;
    this.proxy = proxy;
    this.raw = new DynamoDBClient({ endpoint: server.endpoint, region: REGION });
    this.makeWorld = makeWorld;
    this.world = world;
  }

  static async make(): Promise<Ground> {
    const server = await startDynamoDB();
    const makeWorld = await worldsIn(server.endpoint);
    return new Ground(server, await FaultProxy.start(server.endpoint), makeWorld, await makeWorld());
  }

  /** A node whose calls go through the proxy. */
  proxied(settings = ''): DynamoPeer {
    return this.world.open(settings, { endpoint: this.proxy.endpoint });
  }

  /** Draws a number, as a writer does that dies right after. */
  async drawNumber(): Promise<void> {
    const add = { UpdateExpression: 'ADD seq :one', ExpressionAttributeValues: attributeItem({ ':one': 1 }) };
    await this.raw.send(new UpdateItemCommand({ TableName: this.world.table, Key: this.#key('counter'), ...add }));
  }

  async deleteRows(prefix: string): Promise<void> {
    for (const { SK } of await this.world.readRows(prefix))
      await this.raw.send(new DeleteItemCommand({ TableName: this.world.table, Key: this.#key(String(SK)) }));
  }

  async next(): Promise<void> {
    this.world = await this.makeWorld();
    this.proxy.fault = () => undefined;
    this.proxy.calls = [];
  }

  stop(): void {
    this.raw.destroy();
    this.proxy.stop();
    this.server.stop();
  }

  #key(row: string): Record<string, AttributeValue> {
    return attributeItem({ PK: networkPartition(this.world.network), SK: row });
  }
}

/** `ground()` is for the tests themselves: there is none yet while they are listed. */
export function describeOnDynamoDB(name: string, cases: (ground: () => Ground) => void): void {
  describe(name, { skip: whyNoDynamoDB() ?? false }, () => {
    let ground: Ground;
    before(async () => {
      ground = await Ground.make();
    });
    after(() => ground.stop());
    beforeEach(() => ground.next());
    afterEach(() => ground.world.close());
    cases(() => ground);
  });
}
