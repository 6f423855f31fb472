import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EC2_CALLS, INVENTORY_READS, NODE_FORWARDS, NODE_READS, ROUTE_WRITES } from '../../providers/aws/calls.ts';
import { STORE_PERMISSIONS } from '../../providers/dynamodb/calls.ts';
import { readDocument } from './tables.ts';

interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: string;
  readonly Condition?: { readonly StringEquals: Readonly<Record<string, string>> };
}

describe("a node's rights in docs/operating.md", () => {
  const [, text = ''] = /^```json\n([\s\S]*?"Statement"[\s\S]*?)^```/m.exec(readDocument('docs/operating.md')) ?? [];
  const { Statement: statements } = JSON.parse(text) as { readonly Statement: readonly Statement[] };
  const of = (sid: string): Statement => {
    const found = statements.find(({ Sid }) => Sid === sid);
    assert.ok(found !== undefined, sid);
    return found;
  };
  const actions = ({ Action }: Statement): string[] => [Action].flat().toSorted();
  const rights = (...lists: readonly Readonly<Record<string, readonly string[]>>[]): string[] =>
    lists.flatMap((list) => Object.values(list).flat()).toSorted();

  it('are those of the calls that are made, and no others', () => {
    assert.ok(statements.every(({ Effect }) => Effect === 'Allow'));
    assert.deepEqual(statements.flatMap(actions).toSorted(), [...rights(EC2_CALLS), ...STORE_PERMISSIONS].toSorted());
    assert.deepEqual(actions(of('SeeTheNetwork')), rights(NODE_READS, INVENTORY_READS));
    assert.deepEqual(actions(of('ForwardForContainers')), rights(NODE_FORWARDS));
    assert.deepEqual(actions(of('WriteRoutes')), rights(ROUTE_WRITES));
    assert.deepEqual(actions(of('Leases')), STORE_PERMISSIONS);
  });

  it('CLOUD 1.8: are limited as far as IAM can: to tagged tables and interfaces, and to switching one check off', () => {
    const tagged = { 'aws:ResourceTag/weft:managed': 'true' };
    assert.deepEqual(of('WriteRoutes').Condition, { StringEquals: tagged });
    assert.deepEqual(of('ForwardForContainers').Condition, {
      StringEquals: { 'ec2:Attribute/SourceDestCheck': 'false', ...tagged },
    });
    assert.ok(of('WriteRoutes').Resource.endsWith(':route-table/*'));
    assert.ok(of('ForwardForContainers').Resource.endsWith(':network-interface/*'));
    assert.deepEqual([of('SeeTheNetwork').Resource, of('SeeTheNetwork').Condition], ['*', undefined]);
    assert.match(of('Leases').Resource, /:table\/\w+$/);
  });
});
