/** The lab plays the function as it is deployed: what wakes it there is what the stack makes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RouteReconciler } from '../../infra/route-reconciler.ts';
import { deployedEvents, deployedStream } from '../../src/lab/aws/deployed-wakes.ts';
import { all, NO_CODE, only, resourcesOf, STREAM_ARN, TABLE_ARN, VPC } from './template.ts';

const table = { tableName: 'weft', tableArn: TABLE_ARN, tableStreamArn: STREAM_ARN };

describe('the function of the lab', () => {
  it('is woken by the events that are deployed, with groups and without', () => {
    for (const groups of [['web', 'batch'], []]) {
      const stack = resourcesOf(
        (scope) =>
          new RouteReconciler(scope, 'R', { store: { table }, vpcs: [VPC], groups, hook: 'leave', code: NO_CODE }),
      );
      const patterns = all(stack, 'AWS::Events::Rule').flatMap(({ properties }) => properties['EventPattern'] ?? []);
      assert.deepEqual(deployedEvents(groups, 'leave'), patterns);
    }
  });

  it('is woken by the stream of the table as it is deployed: filter, batch, window, tries', () => {
    const stack = resourcesOf(
      (scope) => new RouteReconciler(scope, 'R', { store: { table, network: 'blue' }, vpcs: [VPC], code: NO_CODE }),
    );
    const { properties } = only(stack, 'AWS::Lambda::EventSourceMapping');
    const { Filters } = properties['FilterCriteria'] as { readonly Filters: readonly { readonly Pattern: string }[] };
    const { filters, batchSize, batchWindowMs, retries } = deployedStream('blue');
    assert.deepEqual(
      filters,
      Filters.map(({ Pattern }) => JSON.parse(Pattern) as unknown),
    );
    assert.deepEqual(
      [batchSize, batchWindowMs / 1000, retries],
      [properties['BatchSize'], properties['MaximumBatchingWindowInSeconds'], properties['MaximumRetryAttempts']],
    );
  });
});
