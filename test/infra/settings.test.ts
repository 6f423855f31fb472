import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readSettings, SETTING_NAMES, type Settings } from '../../infra/settings.ts';
import { readDocument } from '../docs/tables.ts';
import { ACCOUNT, REGION, STREAM_ARN, TABLE_ARN, VPC } from './template.ts';

const KEY_ARN = `arn:aws:kms:${REGION}:${ACCOUNT}:key/01234567-89ab-cdef-0123-456789abcdef`;

const read = (context: Readonly<Record<string, unknown>>): Settings => readSettings(context, '1.2.3');
const refused = (context: Readonly<Record<string, unknown>>, why: RegExp): void =>
  assert.throws(() => read(context), why);

describe('settings of the app, as CDK context', () => {
  it('may all be left out: what a deployment must know it asks for then', () => {
    assert.deepEqual(read({ '@aws-cdk/core:someFlag': true, 'aws:cdk:bundling-stacks': ['**'] }), {
      stack: 'Weft',
      vpcs: undefined,
      routeTables: { by: 'vpc' },
      table: undefined,
      network: undefined,
      routeWriter: 'reconciler',
      minutes: 1,
      alarmTopic: undefined,
      nodeTag: undefined,
      groups: [],
      hook: undefined,
      reserve: true,
      containerNetwork: undefined,
      nodes: undefined,
    });
  });

  it('name VPCs, tables by id or tag, a standing table, groups and a topic', () => {
    const alarmTopic = `arn:aws:sns:${REGION}:${ACCOUNT}:alarms`;
    const settings = read({
      'weft:vpc': `${VPC}, vpc-0123456789abcdef1`,
      'weft:routeTables': ['rtb-0123456789abcdef0'],
      'weft:table': TABLE_ARN,
      'weft:tableStream': STREAM_ARN,
      'weft:groups': 'web,batch',
      'weft:hook': 'net/leave',
      'weft:alarmTopic': alarmTopic,
      'weft:minutes': 2,
    });
    assert.deepEqual(settings.vpcs, [VPC, 'vpc-0123456789abcdef1']);
    assert.deepEqual(settings.routeTables, { by: 'id', ids: ['rtb-0123456789abcdef0'] });
    assert.deepEqual(settings.table, { tableArn: TABLE_ARN, streamArn: STREAM_ARN });
    assert.deepEqual([settings.groups, settings.hook], [['web', 'batch'], 'net/leave']);
    assert.deepEqual([settings.alarmTopic, settings.minutes], [alarmTopic, 2]);
    assert.deepEqual(read({ 'weft:routeTableTag': 'weft:managed=a=b' }).routeTables, {
      by: 'tag',
      key: 'weft:managed',
      value: 'a=b',
    });
  });

  it('name the key that encrypts a standing table', () => {
    const { table } = read({ 'weft:table': TABLE_ARN, 'weft:tableKey': KEY_ARN });
    assert.deepEqual(table, { tableArn: TABLE_ARN, keyArn: KEY_ARN });
  });

  it('make nodes when some are wanted', () => {
    const wanted = { 'weft:nodes': 3, 'weft:nodeSubnets': 'subnet-01234567', 'weft:containerNetwork': '10.42.0.0/16' };
    assert.deepEqual(read(wanted).nodes, {
      count: 3,
      subnets: ['subnet-01234567'],
      containerNetwork: '10.42.0.0/16',
      instanceType: 't4g.small',
      image: undefined,
      install: { from: 'npm', version: '1.2.3' },
    });
    assert.equal(read({ ...wanted, 'weft:nodes': '0' }).nodes, undefined);
    assert.equal(read({ ...wanted, 'weft:nodeInstall': 'image' }).nodes?.install, undefined);
    refused({ 'weft:nodes': 3 }, /"weft:nodes" needs "weft:nodeSubnets"/);
  });

  it('that are wrong are named, with what is expected', () => {
    refused({ 'weft:vcp': VPC }, /"weft:vcp" is no setting; did you mean "weft:vpc"\?/);
    refused({ 'weft:vpc': 'my-vpc' }, /"weft:vpc": "my-vpc": expected VPC ids/);
    refused({ 'weft:minutes': '0.5' }, /expected 1 to 60/);
    refused({ 'weft:network': 'a,b' }, /"weft:network": expected one/);
    refused({ 'weft:table': 'weft' }, /expected the ARN of a DynamoDB table/);
    refused({ 'weft:tableStream': STREAM_ARN }, /"weft:tableStream" without "weft:table"/);
    refused({ 'weft:tableKey': KEY_ARN }, /"weft:tableKey" without "weft:table"/);
    refused({ 'weft:table': `${TABLE_ARN}s`, 'weft:tableStream': STREAM_ARN }, /is the stream of another table/);
    for (const range of ['999.42.0.0/16', '10.42.0.0/33', '10.42/16'])
      refused({ 'weft:containerNetwork': range }, /expected the Network of the network config/);
    refused({ 'weft:table': TABLE_ARN, 'weft:tableKey': 'alias/weft' }, /expected the ARN of the key/);
    refused({ 'weft:routeTables': 'rtb-01234567', 'weft:routeTableTag': 'a=b' }, /expected one of them/);
  });

  it('stand in docs/operating.md, each of them', () => {
    const rows = [...readDocument('docs/operating.md').matchAll(/^\| `weft:(\w+)`/gm)].map(([, name = '']) => name);
    assert.deepEqual(rows.toSorted(), [...SETTING_NAMES].toSorted());
  });
});
