import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { after, before, describe, it } from 'node:test';
import type { PolicyDocument } from '../../infra/policy-document.ts';
import { nodePolicy, reconcilerPolicy, tableMakerPolicy, type PolicyScope } from '../../infra/policies.ts';
import { NODE_CALLS, RECONCILER_CALLS, WRITING_NODE_CALLS } from '../../providers/aws/calls.ts';
import {
  CONFIG_CALLS,
  RECONCILER_STORE_CALLS,
  STORE_PERMISSIONS,
  STREAM_CALLS,
  STREAM_LISTS,
  TABLE_PERMISSIONS,
} from '../../providers/dynamodb/calls.ts';
import type { LifecycleAction } from '../../src/contracts/cloud-inventory.ts';
import type { Lease } from '../../src/core/lease.ts';
import { node, wish } from '../contract/store-world.ts';
import { whyNoDynamoDB } from '../dynamodb/emulator.ts';
import { actionsOf, ending, GROUP_ARN, lacking, PolicyWorld, ROLE, tableArn, type Hands } from './policy-world.ts';
import {
  forwards,
  keepsTheStore,
  looksAtTheCloud,
  makesTheTable,
  readsTheQuota,
  usesTheStore,
  writesARoute,
} from './scripted-use.ts';

/** What was there before the role came. */
interface Given {
  readonly action: LifecycleAction;
  /** Of a node; undefined: there is no table yet. */
  readonly lease: Lease | undefined;
}

interface Role {
  readonly name: string;
  readonly policy: (scope: PolicyScope) => PolicyDocument;
  readonly use: (hands: Hands, signal: AbortSignal, given: Given) => Promise<void>;
  /** By the providers' own lists. */
  readonly actions: readonly string[];
}

const nodeUse = async (hands: Hands, signal: AbortSignal): Promise<void> => {
  await usesTheStore(hands, signal);
  await looksAtTheCloud(hands, signal);
  await forwards(hands, signal);
};

const ROLES: readonly Role[] = [
  {
    name: 'a node that writes its route',
    policy: (scope) => nodePolicy(scope, { writesRoutes: true, forwards: true }),
    use: async (hands, signal) => {
      await nodeUse(hands, signal);
      await writesARoute(hands, signal);
    },
    actions: [...STORE_PERMISSIONS, ...Object.values(WRITING_NODE_CALLS).flat()],
  },
  {
    name: 'a node that leaves its route to the reconciler',
    policy: (scope) => nodePolicy(scope, { writesRoutes: false, forwards: true }),
    use: nodeUse,
    actions: [...STORE_PERMISSIONS, ...Object.values(NODE_CALLS).flat()],
  },
  {
    name: 'the reconciler',
    policy: (scope) => reconcilerPolicy(scope, { lifecycleGroups: [GROUP_ARN] }),
    use: async (hands, signal, { action, lease }) => {
      assert.ok(lease !== undefined);
      await keepsTheStore(hands, lease, signal);
      await looksAtTheCloud(hands, signal);
      await readsTheQuota(hands, signal);
      await forwards(hands, signal);
      await writesARoute(hands, signal);
      await hands.inventory.completeLifecycle(action, signal);
    },
    actions: [...Object.values(RECONCILER_STORE_CALLS).flat(), ...Object.values(RECONCILER_CALLS).flat()],
  },
  {
    name: 'whoever makes the table',
    policy: tableMakerPolicy,
    use: makesTheTable,
    actions: [...Object.values(CONFIG_CALLS).flat(), ...TABLE_PERMISSIONS],
  },
];

function codeOf(action: string): RegExp {
  if (action === 'servicequotas:GetServiceQuota') return /the published quota stands in/;
  return action.startsWith('dynamodb:') ? /^STORE_DENIED / : /^CLOUD_DENIED /;
}

describe('the policies', { skip: whyNoDynamoDB() ?? false }, () => {
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  let world: PolicyWorld;
  let tables = 0;
  before(async () => {
    world = await PolicyWorld.start();
    await world.hands('setup').create(signal);
  });
  after(() => world.close());

  it('let the Lambda service read the stream and write the log, and nothing else with the reconciler’s role', () => {
    const scope = world.scope();
    const own = { lifecycleGroups: [GROUP_ARN] };
    const [alone, asFunction] = [own, { ...own, streamArn: 'arn:stream', logGroupArn: 'arn:log' }].map((rights) =>
      actionsOf(reconcilerPolicy(scope, rights)),
    );
    const more = [...Object.values(STREAM_CALLS), ...Object.values(STREAM_LISTS)].flat();
    const logs = ['logs:CreateLogStream', 'logs:PutLogEvents'];
    assert.deepEqual(asFunction, [...(alone ?? []), ...more, ...logs].toSorted());
  });

  for (const { name, policy, use, actions } of ROLES) {
    describe(`of ${name}`, () => {
      /** A fresh network and, for whoever makes one, a fresh table; the account as it was. */
      const attempt = async (change: (policy: PolicyDocument) => PolicyDocument): Promise<string> => {
        const table = use === makesTheTable ? `table-${++tables}` : 'weft';
        const scope = world.scope({ tableArn: tableArn(table) });
        const hands = world.hands(scope.networks[0] ?? '', table);
        const action = world.forget();
        world.cloud.policies.attach({ [ROLE]: null });
        const lease = table === 'weft' ? (await hands.store.claim(wish(node(7)), signal)).lease : undefined;
        world.allow(change(policy(scope)));
        return await ending(use(hands, signal, { action, lease }));
      };

      it('lets all be done that it does, and allows nothing that it does not do', async () => {
        world.seen();
        assert.equal(await attempt((whole) => whole), 'done');
        assert.deepEqual(world.seen(), actionsOf(policy(world.scope())));
      });

      it('allows what the providers say that they call', () => {
        assert.deepEqual(actionsOf(policy(world.scope())), [...new Set(actions)].toSorted());
      });

      it('has no statement that could be left out', async () => {
        for (const { Sid, Action } of policy(world.scope()).Statement) {
          const end = await attempt((whole) => ({
            ...whole,
            Statement: whole.Statement.filter((it) => it.Sid !== Sid),
          }));
          assert.ok(
            Action.some((action) => codeOf(action).test(end) && end.includes(action)),
            `without ${Sid}: ${end}`,
          );
        }
      });

      it('has no action that could be left out: a call fails without it, and names it', async () => {
        for (const action of actionsOf(policy(world.scope()))) {
          const end = await attempt((whole) => lacking(whole, action));
          assert.ok(codeOf(action).test(end) && end.includes(action), `without ${action}: ${end}`);
        }
      });
    });
  }
});
