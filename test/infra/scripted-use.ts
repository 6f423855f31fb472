/** What each role does with its providers, each call of theirs at least once. The first that is refused ends it. */
import { asWeftError } from '../../src/core/errors.ts';
import type { Lease } from '../../src/core/lease.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { attributes, HOUR, node, publicIP, wish } from '../contract/store-world.ts';
import { ids } from '../lab/aws/account-fixture.ts';
import type { Hands } from './policy-world.ts';

export const CONFIG = '{"Network":"10.42.0.0/16"}';
export const NETWORK = parseSubnet('10.42.0.0/16');
const VPC = planned.vpc('lab');

/** `weftd config set --create-table` */
export async function makesTheTable({ create, store }: Hands, signal: AbortSignal): Promise<void> {
  await create(signal);
  const standing = await store.config(signal);
  await firstView({ store }, signal);
  await store.writeConfig(CONFIG, standing?.version ?? 'absent', signal);
}

/** A node from its start to its drain, but for the cloud. */
export async function usesTheStore({ store, records, writeSnapshot }: Hands, signal: AbortSignal): Promise<void> {
  await store.config(signal);
  await firstView({ store }, signal);
  const first = await store.claim(wish(node(1)), signal);
  // After a restart it asks for what it had.
  const { lease } = await store.claim(wish(node(1), { previous: first.lease.subnet.v4 }), signal);
  const renewed: Lease = await store.renew(lease, attributes(node(1), 2, publicIP(9)), HOUR, signal);
  const intent = await records.put('ledger', 'rtb-1/10.42.1.0/24', { state: 'intent' }, 'absent', signal);
  await records.list('ledger', signal);
  await records.remove('ledger', 'rtb-1/10.42.1.0/24', intent.version, signal);
  await records.add('incarnation', 1, signal);
  await writeSnapshot(signal);
  await store.release(renewed, signal);
}

/** The reconciler in the store: it claims nothing, and releases others' leases. */
export async function keepsTheStore(
  { store, records, writeSnapshot }: Hands,
  lease: Lease,
  signal: AbortSignal,
): Promise<void> {
  await store.config(signal);
  await firstView({ store }, signal);
  const lock = await records.put('lock', 'reconciler', { owner: 'x' }, 'absent', signal);
  const intent = await records.put('ledger', 'rtb-1/10.42.1.0/24', { state: 'intent' }, 'absent', signal);
  await records.list('ledger', signal);
  await records.remove('ledger', 'rtb-1/10.42.1.0/24', intent.version, signal);
  await records.add('runs', 1, signal);
  await writeSnapshot(signal);
  await store.release(lease, signal);
  await records.remove('lock', 'reconciler', lock.version, signal);
}

/** A quota that must not be read is taken for the published one: the run goes on with it. */
export async function readsTheQuota({ inventory }: Hands, signal: AbortSignal): Promise<void> {
  const { source } = await inventory.routeQuota(ids.tableA, signal);
  if (source === 'default') throw new Error('the published quota stands in for servicequotas:GetServiceQuota');
}

/** `watch` goes on through troubles: here they end it. */
async function firstView({ store }: Pick<Hands, 'store'>, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  let trouble: Error | undefined;
  const onTrouble = (error: unknown): void => {
    if (error === undefined) return;
    trouble ??= asWeftError(error);
    stop.abort();
  };
  for await (const _ of store.watch(AbortSignal.any([signal, stop.signal]), onTrouble)) break;
  if (trouble !== undefined) throw trouble;
}

export async function looksAtTheCloud({ network, inventory }: Hands, signal: AbortSignal): Promise<void> {
  await network.tables({ network: VPC, within: NETWORK }, signal);
  await inventory.interfaces([ids.a1], signal);
  await inventory.instances([planned.instance('a1')], signal);
}

export async function forwards({ network }: Hands, signal: AbortSignal): Promise<void> {
  await network.prepare(ids.a1, signal);
}

/** A route made, changed and taken away. */
export async function writesARoute({ network }: Hands, signal: AbortSignal, table = ids.tableA): Promise<void> {
  const destination = parseSubnet('10.42.1.0/24');
  const route = (target: string) => ({ destination, target, live: true });
  await network.putRoute(table, route(ids.a1), undefined, signal);
  await network.putRoute(table, route(ids.a2), ids.a1, signal);
  await network.removeRoute(table, destination, ids.a2, signal);
}
