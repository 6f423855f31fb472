/** The network changes under hosts of the emulated AWS while their daemons run; packets tell. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { enclosed } from '../lab/enclosed.ts';
import { becomes } from './becomes.ts';
import { ChangingCloud } from './changing-cloud.ts';
import { closeLabs, never } from './cluster.ts';

const FABRIC = ['a1>a2 direct', 'a1>b1 fabric', 'a2>a1 direct', 'a2>b1 fabric', 'b1>a1 fabric', 'b1>a2 fabric'];

enclosed(import.meta.url, () => {
  describe('a VPC that changes under its hosts', () => {
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
    const subnetOf = (name: string): string => world().host(name).container.subnet;

    it('a subnet comes to use another table: its hosts fall to the tunnel, say so, and get the route there', async () => {
      // The association goes, and the main table serves it.
      await world().fallen(
        ['a1>b1', 'a2>b1'],
        () => world().aws.do('associate', { subnet: 'a' }),
        () => world().routes('main').has(subnetOf('b1')),
      );
      world().look('a1', 'a2');
      await world().paths(FABRIC);
      assert.ok(world().routes('main').has(subnetOf('b1')));
    });

    it('another table becomes the main one: the same', async () => {
      await world().aws.do('set-main', { table: 'table-a' });
      // What the table held for them before still stands.
      await world().paths(FABRIC);
      await world().fallen(
        ['a1>b1', 'a2>b1'],
        () => world().aws.do('set-main', { table: 'table-b' }),
        () => world().routes('table-b').has(subnetOf('b1')),
      );
      world().look('a1', 'a2');
      await world().paths(FABRIC);
      assert.ok(world().routes('table-b').has(subnetOf('b1')));
    });

    it('an interface is replaced: the new one forwards, and every route to its host leads to it', async () => {
      let made: unknown;
      const swap = async (): Promise<void> => {
        made = await world().aws.do('swap-interface', { instance: 'a1' });
      };
      const before = world().routes('table-b').get(subnetOf('a1'));
      await world().fallen(
        ['a1>a2', 'a2>a1', 'a1>b1', 'b1>a1'],
        swap,
        () => world().routes('table-b').get(subnetOf('a1')) !== before,
      );
      const { id } = made as { readonly id: string };
      world().look('a1');
      await world().paths(FABRIC);
      for (const table of ['table-a', 'table-b', 'main'])
        assert.ok([undefined, id].includes(world().routes(table).get(subnetOf('a1'))), table);
      assert.equal(world().routes('table-b').get(subnetOf('a1')), id);
    });

    it('a host that drains leaves no route behind in any table, and nothing in the ledger', async () => {
      const gone = subnetOf('b1');
      await world().host('b1').removeContainers();
      await world().host('b1').weftd(['drain']);
      assert.equal(await world().host('b1').daemon?.ended, 'exit code 0');
      for (const table of ['table-a', 'table-b', 'main'])
        assert.equal(world().routes(table).get(gone), undefined, table);
      const staying = ['a1', 'a2'].map((name) => world().host(name));
      await becomes('they forget it', [1, 1], () =>
        Promise.all(staying.map(async (host) => (await host.status())?.peers.length)),
      );
      await world().paths(['a1>a2 direct', 'a2>a1 direct'], staying);
    });

    it('a host whose metadata server is absent, garbage or silent waits for it and says so; one that is slow will do', async () => {
      const metadata = (kind: string): Promise<unknown> =>
        world().aws.do('metadata', { instance: 'b1', kind, ...(kind === 'slow' ? { ms: 300 } : {}) });
      const b1 = world().host('b1');
      await metadata('absent');
      b1.startDaemon();
      await b1.await(
        'says what it waits for',
        ({ state, findings }) =>
          state === 'starting' && findings.some(({ code }) => code === 'CLOUD_UNREACHABLE') ? true : undefined,
        never,
      );
      for (const kind of ['garbage', 'silent', 'slow']) await metadata(kind);
      await b1.addContainer(never);
      await world().paths(FABRIC);
      await becomes('it has no more to say', [], async () => (await b1.status())?.findings);
    });

    it('a host that is cleaned up and not drained leaves its routes behind, says how they go, and that is so', async () => {
      const a2 = world().host('a2');
      const left = subnetOf('a2');
      const subnetFile = ['--subnet-file', a2.subnetFile];
      await a2.removeContainers();
      await a2.killDaemon();
      const said = await a2.weftd(['cleanup', ...subnetFile]);
      assert.ok(said.includes(`The lease of ${left} stays in the store, and routes to it in a cloud's tables`), said);
      assert.ok(world().routes('table-b').has(left));
      a2.startDaemon();
      await a2.await('has its lease', ({ subnet, ready }) => (ready && subnet === left ? true : undefined), never);
      await a2.weftd(['drain']);
      assert.equal(world().routes('table-b').has(left), false);
      assert.equal(await a2.daemon?.ended, 'exit code 0');
      assert.doesNotMatch(await a2.weftd(['cleanup', ...subnetFile]), /stays/);
    });
  });
});
