/**
 * The function as it is uploaded, with the generated policy of its role and no other right, woken by the deployed patterns. What it asks of AWS in its
 * life is what it is allowed: no less, or a call fails; and no more, or an action was never asked for.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import type { PolicyDocument } from '../../infra/policy-document.ts';
import { reconcilerPolicy } from '../../infra/policies.ts';
import { eventPatterns } from '../../infra/wake.ts';
import { DEFAULT_LIFECYCLE_HOOK } from '../../src/core/lifecycle-hook.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { ACCOUNT } from '../../src/lab/aws/cloud.ts';
import { dynamoDBGate } from '../../src/lab/aws/dynamodb-gate.ts';
import { DynamoUpstream } from '../../src/lab/aws/dynamodb-upstream.ts';
import type { EventPattern } from '../../src/lab/aws/event-pattern.ts';
import { operate } from '../../src/lab/aws/lab-operations.ts';
import { LambdaService } from '../../src/lab/aws/lambda-service.ts';
import { wakeByEvents } from '../../src/lab/aws/lambda-sources.ts';
import { eventually } from '../../src/lab/eventually.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import { whyNoDynamoDB } from '../dynamodb/emulator.ts';
import { LambdaWorld, REGION } from '../lambda/lambda-world.ts';
import { configRow, leaseRowOf, type LeasedNode } from '../lambda/node-rows.ts';
import { SCHEDULE } from '../lambda/running-function.ts';
import { CONFIG, NETWORK, NODES, PLAN, routesFor, TABLES } from '../lambda/small-cluster.ts';
import { actionsOf, GROUP, GROUP_ARN, lacking, tableArn } from './policy-world.ts';

const ROLE = 'weft-reconciler';
const WITHIN_MS = 60_000;
const POLICY = reconcilerPolicy(
  {
    partition: 'aws',
    region: REGION,
    account: ACCOUNT,
    tableArn: tableArn('weft'),
    networks: ['default'],
    vpcs: [NETWORK],
    routeTables: { by: 'vpc' },
  },
  { lifecycleGroups: [GROUP_ARN] },
);
const PATTERNS = Object.values(eventPatterns([GROUP], DEFAULT_LIFECYCLE_HOOK)).map(
  ({ detailType, ...pattern }) => ({ ...pattern, 'detail-type': detailType }) as EventPattern,
);
const [a1, a2, , b1, b2, b3] = NODES;

/** The account with a small cluster, and the function in it with these rights. Nothing wakes it yet. */
class Deployed {
  readonly world: LambdaWorld;
  readonly service: LambdaService;
  readonly #gate: Server;

  private constructor(world: LambdaWorld, gate: Server) {
    this.world = world;
    this.#gate = gate;
    const { id, secret } = world.cloud.credentials.add(ROLE, { kind: 'role', name: ROLE, session: 'test' });
    const environment = world.environment({
      AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${(gate.address() as AddressInfo).port}`,
      AWS_ACCESS_KEY_ID: id,
      AWS_SECRET_ACCESS_KEY: secret,
    });
    const options = { clock: new SystemClock(), retryAfterMs: [10, 20] };
    this.service = new LambdaService(world.functionPlan({ environment }), options);
  }

  static async start(policy: PolicyDocument, nodes: readonly LeasedNode[]): Promise<Deployed> {
    const world = await LambdaWorld.start({ vpcs: [PLAN], networks: [NETWORK], settings: { throttling: false } });
    const gate = dynamoDBGate(world.cloud, new DynamoUpstream(world.database.endpoint));
    await once(gate.listen(0, '127.0.0.1'), 'listening');
    world.cloud.policies.attach({ [ROLE]: [policy] });
    await world.writeRows([configRow(CONFIG), ...nodes.map(leaseRowOf)]);
    return new Deployed(world, gate);
  }

  /** Every call of the function so far. */
  get calls() {
    const { journal, storeJournal } = this.world.cloud;
    return [...journal.entries, ...storeJournal.entries].filter(({ who }) => who === ROLE);
  }

  /** IAM actions that these needed. */
  get actions(): readonly string[] {
    const needed = this.calls.flatMap(({ service, action, parameters }) =>
      service === 'dynamodb' ? (parameters['needs'] ?? '').split(' ') : [`${service}:${action}`],
    );
    return [...new Set(needed)].filter((action) => action !== '').toSorted();
  }

  /** A run that ends well. */
  async look(): Promise<void> {
    const { outcome } = await this.service.invoke(SCHEDULE);
    assert.equal(outcome.kind, 'answered', `${JSON.stringify(outcome)}\n${this.#lastWords}`);
  }

  until(what: string, isSo: () => boolean): Promise<true> {
    const look = () => (isSo() ? { found: true as const } : { missing: this.#lastWords });
    return eventually(what, WITHIN_MS, look, this.service.closing.signal);
  }

  get #lastWords(): string {
    return this.service.lines.slice(-5).join('\n');
  }

  async close(): Promise<void> {
    this.service.close();
    this.#gate.closeAllConnections();
    await new Promise((resolve) => this.#gate.close(resolve));
    await this.world.close();
  }
}

describe('the function with the rights that are deployed with it', { skip: whyNoDynamoDB() ?? false }, () => {
  let deployed: Deployed;
  afterEach(() => deployed.close());

  it('lives a whole life, is refused nothing, and has no right that it never asks for', async () => {
    assert.ok(a1 !== undefined && a2 !== undefined && b1 !== undefined && b2 !== undefined && b3 !== undefined);
    // b3 is a machine without a lease: nobody sends to it, and it may go at once.
    deployed = await Deployed.start(POLICY, [a1, b1, b2]);
    const { world, service } = deployed;
    await deployed.look();
    assert.deepEqual(world.routes(TABLES.a), routesFor('a', [b1, b2]));

    await world.writeRows([leaseRowOf({ ...a1, name: a2.name, address: a2.address, epoch: a1.epoch + 50 })]);
    await deployed.look();
    assert.deepEqual(world.routes(TABLES.b), [`${a1.lease} ${planned.interface(a2.name)}`]);

    wakeByEvents(service, world.cloud.events, PATTERNS);
    world.cloud.orderInstance(planned.instance(b2.name), 'terminate');
    await deployed.until('the end of a route', () => world.routes(TABLES.a).length === 1);
    operate(world.cloud, { op: 'scaling-group', name: GROUP, instances: b3.name, hook: 'weft-drain' });
    operate(world.cloud, { op: 'scale-in', instance: b3.name });
    await deployed.until('the word that it may go', () =>
      deployed.calls.some(({ action }) => action === 'CompleteLifecycleAction'),
    );

    const refused = deployed.calls.filter(({ outcome }) => outcome !== 'ok' && outcome !== 'passed on');
    assert.deepEqual(
      refused.map(({ action, outcome }) => `${action} ${outcome}`),
      [],
    );
    assert.deepEqual(deployed.actions, actionsOf(POLICY));
  });

  it('says in its log, once, and in its metrics which right it lacks', async () => {
    deployed = await Deployed.start(lacking(POLICY, 'ec2:CreateRoute'), NODES);
    await deployed.look();
    await deployed.look();
    const lines = deployed.service.lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    const said = lines.filter(({ message }) => message === 'routes cannot be brought further');
    assert.deepEqual(
      said.map(({ level, code, count }) => `${String(level)} ${String(code)} ${String(count)}`),
      ['WARN CLOUD_DENIED 6'],
    );
    assert.ok(said.every(({ why }) => String(why).includes('ec2:CreateRoute')));
    const failed = lines.flatMap(({ FailedRoutes: count }) => (count === undefined ? [] : [count]));
    assert.deepEqual(failed, [6, 6]);
  });
});
