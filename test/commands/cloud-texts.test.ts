import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explanationText } from '../../src/commands/explain-text.ts';
import { planCloudText } from '../../src/commands/plan-cloud.ts';
import { statusText } from '../../src/commands/status-text.ts';
import type { Status } from '../../src/core/status.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const HEALTHY: Status = {
  version: '0.1.0',
  node: 'host-a',
  instance: '5d1c90f2',
  state: 'held',
  ready: true,
  unready: [],
  network: '10.42.0.0/16',
  subnet: '10.42.7.0/24',
  address: '10.42.7.0',
  publicIP: '192.0.2.11',
  epoch: 12,
  store: { kind: 'dynamodb', reachable: true, error: null },
  cloud: null,
  tunnel: null,
  peers: [],
  pass: null,
  findings: [],
  skipped: [],
};

describe('cloud routes for people', () => {
  it('stand in status with table and ledger, and in explain', () => {
    const routes = [
      { table: 'rtb-a', target: 'eni-1', state: 'committed', why: null },
      { table: 'rtb-b', target: 'eni-1', state: 'refused', why: 'rtb-b holds no more routes' },
    ] as const;
    const cloud = {
      network: 'vpc-1',
      subnet: 'subnet-a',
      target: 'eni-1',
      table: 'rtb-a',
      trouble: null,
      writer: 'node',
      routes,
    } as const;
    const text = statusText({ ...HEALTHY, cloud }, NOW);
    assert.match(text, /^cloud {6}vpc-1, subnet-a, eni-1; route table rtb-a$/m);
    assert.match(text, /^Routes to this host's containers, by the ledger:\n {2}rtb-a: committed, to eni-1$/m);
    assert.match(text, /^ {2}rtb-b: refused, to eni-1: rtb-b holds no more routes$/m);
    const lost = statusText({ ...HEALTHY, cloud: { ...cloud, table: null, trouble: 'no table' } }, NOW);
    assert.match(lost, /its route table is not known yet \(no table\)$/m);
    const asking = statusText({ ...HEALTHY, cloud: { ...cloud, writer: 'reconciler' } }, NOW);
    assert.match(asking, /route table rtb-a; routes are written by the reconciler$/m);
  });

  it('of a peer stands in explain, with its state in the ledger', () => {
    const text = explanationText(
      {
        node: 'host-b',
        subnet: '10.42.9.0/24',
        publicIP: '192.0.2.12',
        epoch: 4,
        path: 'vxlan',
        since: new Date(NOW).toISOString(),
        before: null,
        paths: [],
        cloudRoute: { table: 'rtb-a', target: 'eni-9', epoch: 4, state: 'refused', why: 'it is a black hole' },
        mtu: null,
        probes: [],
        turns: [],
        entries: [],
      },
      NOW,
    );
    assert.match(text, /^cloud route +refused \(it is a black hole\): in rtb-a to eni-9, epoch 4, by the ledger$/m);
  });

  it('in a plan shows what becomes of each, and why', () => {
    const route = { table: 'rtb-a', destination: '10.42.7.0/24', target: 'eni-1', was: null, why: null };
    assert.equal(
      planCloudText({
        writer: 'node',
        trouble: null,
        routes: [
          { ...route, does: 'create' },
          { ...route, table: 'rtb-b', does: 'replace', was: 'eni-0' },
          { ...route, table: 'rtb-c', does: 'refuse', why: 'a route that is not ours leads to igw-1' },
          { ...route, table: 'rtb-d', does: 'remove', was: 'eni-1' },
          { ...route, table: 'rtb-e', does: 'keep' },
        ],
      }),
      `+ cloud route 10.42.7.0/24 to eni-1 in rtb-a
~ cloud route 10.42.7.0/24 to eni-1 in rtb-b
    instead of eni-0
! no cloud route 10.42.7.0/24 to eni-1 in rtb-c
    a route that is not ours leads to igw-1
- cloud route 10.42.7.0/24 to eni-1 in rtb-d
    held back: goes when a look five minutes later agrees
= cloud route stands: 10.42.7.0/24 to eni-1 in rtb-e
`,
    );
    assert.match(
      planCloudText({ writer: 'node', routes: [], trouble: 'CLOUD_DENIED: no' }),
      /cannot be told: CLOUD_DENIED: no$/m,
    );
  });

  it('in a plan are the word of the reconciler where it writes them', () => {
    const route = { destination: '10.42.7.0/24', target: 'eni-1', was: null };
    assert.equal(
      planCloudText({
        writer: 'reconciler',
        trouble: null,
        routes: [
          { ...route, table: 'rtb-a', does: 'keep', why: null },
          { ...route, table: 'rtb-b', does: 'refuse', why: 'the instance lacks the tag weft:node' },
        ],
      }),
      `Cloud routes are written by the reconciler. What it has decided for this host:
= cloud route stands: 10.42.7.0/24 to eni-1 in rtb-a
! no cloud route 10.42.7.0/24 to eni-1 in rtb-b
    the instance lacks the tag weft:node
`,
    );
    assert.match(
      planCloudText({ writer: 'reconciler', routes: [], trouble: null }),
      /decided for this host:\n {2}nothing yet$/m,
    );
  });
});
