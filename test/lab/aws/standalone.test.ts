import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import {
  AutoScalingClient,
  CompleteLifecycleActionCommand,
  DescribeAutoScalingGroupsCommand,
} from '@aws-sdk/client-auto-scaling';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { CreateRouteCommand, DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetServiceQuotaCommand, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { planned } from '../../../src/lab/aws/account.ts';
import { loadPlan, readPlan } from '../../../src/lab/aws/account-plan.ts';
import { DEFAULT_PLAN } from '../../../src/lab/aws/default-plan.ts';
import { StandaloneAws, type StandaloneOptions } from '../../../src/lab/aws/standalone.ts';
import { runLab } from '../../../src/lab/lab-command.ts';
import { startDynamoDB, whyNoDynamoDB } from '../../dynamodb/emulator.ts';
import { outcome } from './account-fixture.ts';

const LOOK = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'ec2:Describe*', Resource: '*' } };

describe('an emulated AWS by itself', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weft-plan-'));
  const before = { ...process.env };
  const open: { destroy(): void }[] = [];
  let aws: StandaloneAws | undefined;
  afterEach(async () => {
    for (const client of open.splice(0)) client.destroy();
    await aws?.close();
    aws = undefined;
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  });
  after(() => rmSync(folder, { recursive: true }));

  /** As a shell does that reads what it prints. */
  const start = async (plan: object = {}, options: Partial<StandaloneOptions> = {}): Promise<StandaloneAws> => {
    aws = await StandaloneAws.start(readPlan({ ...DEFAULT_PLAN, ...plan }, folder), { port: 0, ...options });
    const none = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
    Object.assign(process.env, none, aws.environment);
    return aws;
  };
  const client = <T extends { destroy(): void }>(made: T): T => {
    open.push(made);
    return made;
  };
  const typed = async (...args: readonly string[]): Promise<string> => {
    let out = '';
    const write = (text: string): unknown => (out += text);
    await runLab(['aws', ...args], { stdout: { write }, stderr: { write }, env: process.env, executable: '/nowhere' });
    return out;
  };
  const route = {
    RouteTableId: planned.table('table-a'),
    DestinationCidrBlock: '10.42.1.0/24',
    NetworkInterfaceId: planned.interface('a1'),
  };

  it('is found by the real SDKs through the variables that it prints, whatever service they ask', async () => {
    await start({
      do: [
        { op: 'scaling-group', name: 'nodes', instances: 'a1', hook: 'drain' },
        { op: 'scale-in', instance: 'a1' },
      ],
    });
    const { Reservations = [] } = await client(new EC2Client({})).send(new DescribeInstancesCommand({}));
    assert.deepEqual(
      Reservations.flatMap(({ Instances = [] }) => Instances.map(({ InstanceId = '' }) => InstanceId)).toSorted(),
      [planned.instance('a1'), planned.instance('b1')].toSorted(),
    );
    const quota = { ServiceCode: 'vpc', QuotaCode: 'L-93826ACB' };
    const { Quota } = await client(new ServiceQuotasClient({})).send(new GetServiceQuotaCommand(quota));
    assert.equal(Quota?.Value, 500);
    const scaling = client(new AutoScalingClient({}));
    const { AutoScalingGroups } = await scaling.send(new DescribeAutoScalingGroupsCommand({}));
    assert.equal(AutoScalingGroups?.[0]?.Instances?.[0]?.LifecycleState, 'Terminating:Wait');
    const names = { AutoScalingGroupName: 'nodes', LifecycleHookName: 'drain', InstanceId: planned.instance('a1') };
    assert.equal(
      await outcome(scaling.send(new CompleteLifecycleActionCommand({ ...names, LifecycleActionResult: 'CONTINUE' }))),
      'ok',
    );
  });

  it('takes policies from its plan, in it or in files beside it', async () => {
    writeFileSync(path.join(folder, 'look.json'), JSON.stringify(LOOK));
    await start({
      users: ['ann'],
      policies: { ann: ['look.json', { ...LOOK, Statement: { ...LOOK.Statement, Action: 'ec2:CreateRoute' } }] },
    });
    const ec2 = client(new EC2Client({}));
    assert.equal(await outcome(ec2.send(new DescribeInstancesCommand({}))), 'ok');
    assert.equal(await outcome(ec2.send(new CreateRouteCommand(route))), 'ok');
    writeFileSync(path.join(folder, 'later.json'), JSON.stringify([]));
    await typed('policies', `ann=${path.join(folder, 'later.json')}`);
    assert.equal(await outcome(ec2.send(new DescribeInstancesCommand({}))), 'UnauthorizedOperation');
    await typed('policies', 'ann=');
    assert.equal(await outcome(ec2.send(new DescribeInstancesCommand({}))), 'ok');
  });

  it('hands out keys of roles, and refuses in AWS’s words what a role may not', async () => {
    await start({ policies: { node: LOOK } });
    for (const line of (await typed('keys', 'role=node', 'session=here')).trim().split('\n')) {
      const [, name = '', value = ''] = /^export (\w+)=(\w+)$/.exec(line) ?? [];
      process.env[name] = value;
    }
    const ec2 = client(new EC2Client({}));
    await assert.rejects(ec2.send(new CreateRouteCommand(route)), {
      name: 'UnauthorizedOperation',
      message: new RegExp(
        `^You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/node/here is not authorized to perform: ec2:CreateRoute on resource: ` +
          `arn:aws:ec2:eu-central-1:123456789012:route-table/${route.RouteTableId} because no identity-based policy allows the ec2:CreateRoute action. Encoded authorization failure message: \\S+$`,
      ),
    });
    assert.match(await typed('journal'), /node\/here CreateRoute .* -> UnauthorizedOperation/);
  });

  it('has a metadata server from which programs get an instance’s role', async () => {
    const { environment } = await start({ policies: { node: LOOK } }, { metadata: 'a1' });
    assert.ok(environment['AWS_EC2_METADATA_SERVICE_ENDPOINT'] !== undefined);
    delete process.env['AWS_ACCESS_KEY_ID'];
    delete process.env['AWS_SECRET_ACCESS_KEY'];
    const ec2 = client(new EC2Client({}));
    assert.equal(await outcome(ec2.send(new DescribeInstancesCommand({}))), 'ok');
    const who = `assumed-role/node/${planned.instance('a1')}`;
    await assert.rejects(ec2.send(new CreateRouteCommand(route)), { message: new RegExp(who) });
  });

  it('puts a gate before a DynamoDB', { skip: whyNoDynamoDB() ?? false }, async () => {
    const dynamo = await startDynamoDB();
    try {
      await start({ policies: { admin: LOOK } }, { dynamodb: dynamo.endpoint });
      assert.equal(
        await outcome(client(new DynamoDBClient({})).send(new ListTablesCommand({}))),
        'AccessDeniedException',
      );
      await typed('policies', 'admin=');
      assert.equal(await outcome(client(new DynamoDBClient({})).send(new ListTablesCommand({}))), 'ok');
    } finally {
      dynamo.stop();
    }
  });

  it('runs until it is ended, and prints variables for shells and for programs', async () => {
    for (const [words, form] of [
      [[], /^(export [A-Z0-9_]+=\S+\n)+# ready\n$/],
      [['--json'], /^\{.*"WEFT_LAB_AWS":"http:\/\/127\.0\.0\.1:\d+"\}\n$/],
    ] as const) {
      const ended = new AbortController();
      let out = '';
      const write = (text: string): unknown => {
        out += text;
        ended.abort();
        return true;
      };
      const io = { stdout: { write }, stderr: { write }, env: {}, executable: '/nowhere', ended: ended.signal };
      assert.equal(await runLab(['aws', 'start', ...words], io), 0);
      assert.match(out, form);
    }
  });

  it('takes "start instance=b1" for an order to an account that runs', async () => {
    const { cloud } = await start({ settings: { stoppingMs: 0 } });
    cloud.orderInstance(planned.instance('b1'), 'stop');
    assert.equal(cloud.state.instances.get(planned.instance('b1'))?.state, 'stopped');
    await typed('start', 'instance=b1');
    assert.equal(cloud.state.instances.get(planned.instance('b1'))?.state, 'pending');
  });

  it('prints a plan to begin with, which it takes', async () => {
    const file = path.join(folder, 'plan.json');
    writeFileSync(file, await typed('plan'));
    assert.deepEqual(loadPlan(file), loadPlan(undefined));
  });

  it('says where a plan is wrong', async () => {
    const [vpc] = DEFAULT_PLAN.vpcs;
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ vpc: [] }, /no "vpc" here: region, vpcs, users/],
      [{ vpcs: [{ ...vpc, tables: [{ nam: 'x' }] }] }, /vpcs\[0\]\.tables\[0\]: no "nam" here/],
      [{ vpcs: [{ ...vpc, ranges: '10.0.0.0/16' }] }, /vpcs\[0\]\.ranges: expected a list/],
      [
        { vpcs: [{ ...vpc, groups: [{ name: 'g', ingress: [{ peer: 'g', protocol: 'gre' }] }] }] },
        /ingress\[0\]\.protocol: expected tcp/,
      ],
      [{ settings: { routeQuotum: 5 } }, /no setting "routeQuotum"/],
      [{ policies: { ann: 'absent.json' } }, /absent\.json/],
    ];
    for (const [change, message] of cases) {
      assert.throws(() => readPlan({ ...DEFAULT_PLAN, ...change }, folder), { message });
    }
    await assert.rejects(start({ policies: { ann: { Version: '1' } } }), {
      code: 'BAD_OPTION',
      message: /policies of ann, document 1/,
    });
    await assert.rejects(start({ vpcs: [{ ...vpc, ranges: ['10.0.0.0/33'] }] }), { code: 'BAD_OPTION' });
    await assert.rejects(start({}, { metadata: 'nobody' }), { code: 'BAD_OPTION', message: /no i is named "nobody"/ });
    assert.match(await typed('start', '--port', 'http'), /--port http: expected 0 to 65535 \[BAD_OPTION\]/);
    assert.match(
      await typed('start', '--plan', '/nowhere/plan.json'),
      /plan \/nowhere\/plan\.json: ENOENT[^]*BAD_OPTION/,
    );
    assert.match(
      await typed('state', '--to', 'http://127.0.0.1:9'),
      /no emulated AWS answers at http:\/\/127\.0\.0\.1:9/,
    );
  });
});
