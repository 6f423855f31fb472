import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { after, before, describe, it } from 'node:test';
import type { PolicyDocument } from '../../infra/policy-document.ts';
import { nodePolicy, tableMakerPolicy, type PolicyScope } from '../../infra/policies.ts';
import { NODE_CALLS, WRITING_NODE_CALLS } from '../../providers/aws/calls.ts';
import { CONFIG_CALLS, STORE_PERMISSIONS, TABLE_PERMISSIONS } from '../../providers/dynamodb/calls.ts';
import { whyNoDynamoDB } from '../dynamodb/emulator.ts';
import { actionsOf, ending, lacking, PolicyWorld, tableArn, type Hands } from './policy-world.ts';
import { forwards, looksAtTheCloud, makesTheTable, usesTheStore, writesARoute } from './scripted-use.ts';

interface Role {
  readonly name: string;
  readonly policy: (scope: PolicyScope) => PolicyDocument;
  readonly use: (hands: Hands, signal: AbortSignal) => Promise<void>;
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
    name: 'whoever makes the table',
    policy: tableMakerPolicy,
    use: makesTheTable,
    actions: [...Object.values(CONFIG_CALLS).flat(), ...TABLE_PERMISSIONS],
  },
];

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

  for (const { name, policy, use, actions } of ROLES) {
    describe(`of ${name}`, () => {
      /** A fresh network and, for whoever makes one, a fresh table; the account as it was. */
      const attempt = async (change: (policy: PolicyDocument) => PolicyDocument): Promise<string> => {
        const table = use === makesTheTable ? `table-${++tables}` : 'weft';
        const scope = world.scope({ tableArn: tableArn(table) });
        world.forget();
        world.allow(change(policy(scope)));
        return await ending(use(world.hands(scope.networks[0] ?? '', table), signal));
      };

      it('lets all be done that it does, and allows nothing that it does not do', async () => {
        world.seen();
        assert.equal(await attempt((whole) => whole), 'done');
        assert.deepEqual(world.seen(), actionsOf(policy(world.scope())));
      });

      it('allows what the providers say that they call', () => {
        assert.deepEqual(actionsOf(policy(world.scope())), [...new Set(actions)].toSorted());
      });

      it('has no action that could be left out: a call fails without it, and names it', async () => {
        for (const action of actionsOf(policy(world.scope()))) {
          const code = action.startsWith('dynamodb:') ? 'STORE_DENIED' : 'CLOUD_DENIED';
          const end = await attempt((whole) => lacking(whole, action));
          assert.ok(end.startsWith(code) && end.includes(action), `without ${action}: ${end}`);
        }
      });
    });
  }
});
