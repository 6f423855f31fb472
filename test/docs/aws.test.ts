import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nodePolicy } from '../../infra/policies.ts';
import { readDocument } from './tables.ts';

it("a node's rights in docs/operating.md are what the constructs give, for route tables chosen by a tag", () => {
  const [, text = ''] = /^```json\n([\s\S]*?"Statement"[\s\S]*?)^```/m.exec(readDocument('docs/operating.md')) ?? [];
  const [region, account] = ['eu-central-1', '111122223333'];
  const scope = {
    partition: 'aws',
    region,
    account,
    tableArn: `arn:aws:dynamodb:${region}:${account}:table/weft`,
    networks: ['default'],
    vpcs: ['vpc-0123456789abcdef0'],
    routeTables: { by: 'tag', key: 'weft:managed', value: 'true' },
  } as const;
  assert.deepEqual(JSON.parse(text), nodePolicy(scope, { writesRoutes: true, forwards: true }));
});
