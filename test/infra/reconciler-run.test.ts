/** A whole run of the reconciler under exactly its policy: real providers, the emulated account, DynamoDB behind the gate. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { reconcilerPolicy, type PolicyScope } from '../../infra/policies.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { planned } from '../../src/lab/aws/account.ts';
import type { RunRequest } from '../../src/reconcile/reconciler-parts.ts';
import { Reconciler } from '../../src/reconcile/reconciler.ts';
import { attributes, wish } from '../contract/store-world.ts';
import { whyNoDynamoDB } from '../dynamodb/emulator.ts';
import { ListLog } from '../fakes/list-log.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { ids } from '../lab/aws/account-fixture.ts';
import { actionsOf, GROUP_ARN, PolicyWorld, ROLE, type Hands } from './policy-world.ts';

const VPC = planned.vpc('lab');
const REQUEST: RunRequest = { why: 'person', leaving: [], adopt: false, dryRun: false, untilMs: Infinity };
const { signal } = new AbortController();
let world: PolicyWorld;

before(async () => {
  if (whyNoDynamoDB() !== undefined) return;
  world = await PolicyWorld.start();
  await world.hands('setup').create(signal);
});
after(() => world?.close());

/** A host of the account has a lease, and offers its interface. */
async function joins(hands: Hands, name: 'a1' | 'b1', subnet: 'a' | 'b'): Promise<string> {
  const node = parseNodeId(planned.instance(name));
  const plain = attributes(node);
  const fabric = { provider: 'aws', network: VPC, subnet: planned.subnet(subnet), target: planned.interface(name) };
  const weft = { node, incarnation: 1, mtuBytes: 1500, ...plain.weft, fabric, table: planned.table(`table-${subnet}`) };
  const { lease } = await hands.store.claim({ ...wish(node), attributes: () => ({ ...plain, weft }) }, signal);
  return lease.subnet.v4;
}

it('a run of the reconciler needs no more than its policy gives', { skip: whyNoDynamoDB() ?? false }, async () => {
  const scope: PolicyScope = world.scope();
  const hands = world.hands(scope.networks[0] ?? '');
  const { clock, cloud } = world;
  const action = world.forget();
  await hands.store.writeConfig('{"Network":"10.42.0.0/16","Weft":{"RouteWriter":"reconciler"}}', 'absent', signal);
  const [a1, b1] = [await joins(hands, 'a1', 'a'), await joins(hands, 'b1', 'b')];
  world.allow(reconcilerPolicy(scope, { lifecycleGroups: [GROUP_ARN] }));
  world.seen();
  const { store, records, network, inventory } = hands;
  const parts = { store, records, cloud: network, inventory, clock, random: new SeededRandom(1), log: new ListLog() };
  const settings = { name: 'test', networks: [VPC], nodeTag: undefined, rate: { perSecond: 100, burst: 100 } };
  const reconciler = new Reconciler(parts, settings);
  assert.equal((await reconciler.run({ ...REQUEST, dryRun: true }, signal)).how, 'done');
  const report = await reconciler.run(
    { ...REQUEST, leaving: [{ instance: action.instance, why: 'drain', action }] },
    signal,
  );
  assert.deepEqual([report.how, report.findings, report.doubted], ['done', [], []]);
  const targets = (table: string): unknown[] =>
    [...(cloud.state.tables.get(table)?.routes.values() ?? [])].flatMap(({ destination, target }) =>
      target.kind === 'interface' ? [`${destination} ${target.id}`] : [],
    );
  assert.deepEqual([targets(ids.tableA), targets(ids.tableB)], [[`${b1} ${ids.b1}`], [`${a1} ${ids.a1}`]]);
  const refused = [...cloud.journal.entries, ...cloud.storeJournal.entries].filter(({ outcome }) =>
    ['UnauthorizedOperation', 'AccessDenied', 'AccessDeniedException'].includes(outcome),
  );
  assert.deepEqual(refused, []);
  const allowed = actionsOf(reconcilerPolicy(scope, { lifecycleGroups: [GROUP_ARN] }));
  // This run had nothing to replace or delete in the cloud.
  const idle = ['ec2:DeleteRoute', 'ec2:ReplaceRoute'];
  assert.deepEqual(
    world.seen(),
    allowed.filter((one) => !idle.includes(one)),
  );
  cloud.policies.attach({ [ROLE]: null });
});
