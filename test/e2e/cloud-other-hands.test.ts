/** Other hands in the route tables and in the ledger, while daemons run; packets tell. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Status } from '../../src/core/status.ts';
import { UPLINK } from '../../src/lab/world.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes, statusOf } from './becomes.ts';
import { ChangingCloud } from './changing-cloud.ts';
import { closeLabs } from './cluster.ts';
import { whilePaused } from './paused.ts';

const FABRIC = ['a1>a2 direct', 'a1>b1 fabric', 'a2>a1 direct', 'a2>b1 fabric', 'b1>a1 fabric', 'b1>a2 fabric'];
/** Subnet a has lost its way to b1; the way back stands. */
const ONE_WAY = ['a1>a2 direct', 'a1>b1 vxlan', 'a2>a1 direct', 'a2>b1 vxlan', 'b1>a1 fabric', 'b1>a2 fabric'];

enclosed(import.meta.url, () => {
  describe('routes of ours and another hand', () => {
    let cluster: ChangingCloud | undefined;
    const world = (): ChangingCloud => {
      assert.ok(cluster !== undefined);
      return cluster;
    };
    before(async () => {
      cluster = await ChangingCloud.start(['a1', 'a2', 'b1']);
      await cluster.paths(FABRIC);
    });
    after(closeLabs);
    const destination = (): string => world().host('b1').container.subnet;
    const status = (name: string): Promise<Status> => statusOf(world().host(name));

    const LEDGER = fileURLToPath(new URL('ledger-program.js', import.meta.url));
    const ledger = async (what: 'count' | 'lose'): Promise<number> =>
      Number(await world().host('a1').run([process.execPath, LEDGER, what]));

    /** What a person sees at the owner, and at one who sends to it. */
    async function tellsOfConflict(why: string): Promise<void> {
      const [a1, b1] = [world().host('a1'), world().host('b1')];
      // It reads the ledger as everybody does: a moment after it has written there.
      await becomes('its owner says it', true, async () =>
        /^ {2}rtb-\w+: refused, to eni-\w+: a route to .* is not ours/m.test(await b1.weftd(['status'])),
      );
      const explained = await a1.weftd(['explain', b1.plan.node]);
      assert.ok(explained.includes(`refused (${why}`), explained);
      assert.match(await b1.weftd(['plan', '--iface', UPLINK]), /^! no cloud route .*\n {4}a route to .* is not ours/m);
      const { mutations } = world();
      // Its daemon would be quick to make the route anew.
      await whilePaused(b1, async () => {
        await world().aws.do('remove-route', { table: 'table-a', destination: destination() });
        assert.match(await b1.weftd(['plan', '--iface', UPLINK]), /^\+ cloud route /m);
        assert.equal(world().mutations, mutations);
      });
    }

    it('a route is removed: its senders fall to the tunnel, one who looks tells the owner, and he makes it anew', async () => {
      await world().fallen(
        ['a1>b1', 'a2>b1'],
        () => world().aws.do('remove-route', { table: 'table-a', destination: destination() }),
        () => world().routes('table-a').has(destination()),
      );
      world().look('a1');
      await world().paths(FABRIC);
      assert.ok(world().routes('table-a').has(destination()));
    });

    it('a route is redirected: it stays as it is, both ends say so, and the owner has it again when it is gone', async () => {
      const before = world().mutations;
      await world().aws.do('put-route', { table: 'table-a', destination: destination(), instance: 'a2' });
      await world().paths(ONE_WAY);
      // Its senders would have told the owner by now: that is waited for above.
      world().look('b1');
      const told = async (name: string, code: string): Promise<readonly string[]> =>
        (await status(name)).findings.filter((one) => one.code === code).map(({ message }) => message);
      const foreign = world().routes('table-a').get(destination());
      const why = (): string => `a route to ${destination()} that is not ours leads to ${foreign} in `;
      await becomes('the owner reports a conflict', [true], async () =>
        (await told('b1', 'CLOUD_CONFLICT')).map((message) => message.includes(why())),
      );
      const hasReason = async (name: string): Promise<boolean> =>
        (await status(name)).peers.some(({ refused }) =>
          refused.some(({ path, why: said }) => path === 'fabric' && said.startsWith(why())),
        );
      await becomes('its senders have the reason', [true, true], () => Promise.all(['a1', 'a2'].map(hasReason)));
      assert.deepEqual([world().routes('table-a').get(destination()), world().mutations], [foreign, before]);
      await world().paths(ONE_WAY);
      // The other hand takes its route away.
      await tellsOfConflict(why());
      world().look('b1');
      await world().paths(FABRIC);
    });

    it('the ledger is lost: until its rows are back every pair has the tunnel, and no route is written for it', async () => {
      const before = world().mutations;
      let rows = 0;
      await world().fallen(['a1>b1', 'a2>b1', 'b1>a1', 'b1>a2'], async () => {
        rows = await ledger('lose');
      });
      assert.ok(rows >= 3, `${rows}`);
      // Owners would look half a minute later by themselves, which takes no such lab to prove.
      world().look('a1', 'a2', 'b1');
      await world().paths(FABRIC);
      assert.equal(await ledger('count'), rows);
      assert.equal(world().mutations, before);
    });
  });
});
