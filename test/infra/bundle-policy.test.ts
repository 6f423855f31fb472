/**
 * The function as it is uploaded, with the generated policy of its role and no other right, woken by the deployed patterns. What it asks of AWS in its
 * life is what it is allowed: no less, or a call fails; and no more, or an action was never asked for.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { reconcilerPolicy } from '../../infra/policies.ts';
import { eventPatterns } from '../../infra/wake.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { ACCOUNT } from '../../src/lab/aws/cloud.ts';
import { dynamoDBGate } from '../../src/lab/aws/dynamodb-gate.ts';
import { DynamoUpstream } from '../../src/lab/aws/dynamodb-upstream.ts';
import type { EventPattern } from '../../src/lab/aws/event-pattern.ts';
import { operate } from '../../src/lab/aws/lab-operations.ts';
import type { Invocation } from '../../src/lab/aws/lambda-runtime.ts';
import { LambdaService } from '../../src/lab/aws/lambda-service.ts';
import { wakeByEvents } from '../../src/lab/aws/lambda-sources.ts';
import { eventually } from '../../src/lab/eventually.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import { whyNoDynamoDB } from '../dynamodb/emulator.ts';
import { LambdaWorld, REGION } from '../lambda/lambda-world.ts';
import { configRow, leaseRowOf } from '../lambda/node-rows.ts';
import { SCHEDULE } from '../lambda/running-function.ts';
import { CONFIG, NETWORK, NODES, PLAN, routesFor, TABLES } from '../lambda/small-cluster.ts';
import { actionsOf, GROUP, GROUP_ARN, tableArn } from './policy-world.ts';

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
const PATTERNS = Object.values(eventPatterns([GROUP])).map(
  ({ detailType, ...pattern }) => ({ ...pattern, 'detail-type': detailType }) as EventPattern,
);
const [a1, a2, , b1, b2, b3] = NODES;

describe('the function with the rights that are deployed with it', { skip: whyNoDynamoDB() ?? false }, () => {
  let world: LambdaWorld;
  let gate: Server;
  let service: LambdaService;

  before(async () => {
    world = await LambdaWorld.start({ vpcs: [PLAN], networks: [NETWORK], settings: { throttling: false } });
    gate = dynamoDBGate(world.cloud, new DynamoUpstream(world.database.endpoint));
    await once(gate.listen(0, '127.0.0.1'), 'listening');
    world.cloud.policies.attach({ [ROLE]: [POLICY] });
    const { id, secret } = world.cloud.credentials.add(ROLE, { kind: 'role', name: ROLE, session: 'test' });
    const environment = world.environment({
      AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${(gate.address() as AddressInfo).port}`,
      AWS_ACCESS_KEY_ID: id,
      AWS_SECRET_ACCESS_KEY: secret,
    });
    service = new LambdaService(world.functionPlan({ environment }), {
      clock: new SystemClock(),
      retryAfterMs: [10, 20],
    });
  });
  after(async () => {
    service.close();
    gate.closeAllConnections();
    await new Promise((resolve) => gate.close(resolve));
    await world.close();
  });

  const asked = () =>
    [...world.cloud.journal.entries, ...world.cloud.storeJournal.entries].filter(({ who }) => who === ROLE);
  const actions = (): readonly string[] =>
    [
      ...new Set(
        asked().flatMap(({ service: of, action, parameters }) =>
          of === 'dynamodb' ? (parameters['needs'] ?? '').split(' ') : [`${of}:${action}`],
        ),
      ),
    ]
      .filter((action) => action !== '')
      .toSorted();
  const answered = ({ outcome }: Invocation): void => {
    assert.equal(outcome.kind, 'answered', `${JSON.stringify(outcome)}\n${service.lines.slice(-5).join('\n')}`);
  };
  /** All that is waited for stands in the account. */
  const until = (what: string, isSo: () => boolean): Promise<true> =>
    eventually(
      what,
      WITHIN_MS,
      () => (isSo() ? { found: true } : { missing: service.lines.slice(-5).join('\n') }),
      service.closing.signal,
    );

  it('lives a whole life, is refused nothing, and has no right that it never asks for', async () => {
    assert.ok(a1 !== undefined && a2 !== undefined && b1 !== undefined && b2 !== undefined && b3 !== undefined);
    const { cloud } = world;
    // A route of each kind: to be made, to point elsewhere, to go. b3 is a machine without a lease, which nobody needs to leave.
    await world.writeRows([configRow(CONFIG), ...[a1, b1, b2].map(leaseRowOf)]);
    answered(await service.invoke(SCHEDULE));
    assert.deepEqual(world.routes(TABLES.a), routesFor('a', [b1, b2]));

    await world.writeRows([leaseRowOf({ ...a1, name: a2.name, address: a2.address, epoch: a1.epoch + 50 })]);
    answered(await service.invoke(SCHEDULE));
    assert.deepEqual(world.routes(TABLES.b), [`${a1.lease} ${planned.interface(a2.name)}`]);

    wakeByEvents(service, cloud.events, PATTERNS);
    cloud.orderInstance(planned.instance(b2.name), 'terminate');
    await until('the end of a route', () => world.routes(TABLES.a).length === 1);

    operate(cloud, { op: 'scaling-group', name: GROUP, instances: b3.name, hook: 'drain' });
    operate(cloud, { op: 'scale-in', instance: b3.name });
    await until('the machine may go', () => asked().some(({ action }) => action === 'CompleteLifecycleAction'));

    const refused = asked().filter(({ status }) => status === 403 || status === 401);
    assert.deepEqual(
      refused.map(({ action, outcome }) => `${action} ${outcome}`),
      [],
    );
    assert.deepEqual(actions(), actionsOf(POLICY));
  });
});
