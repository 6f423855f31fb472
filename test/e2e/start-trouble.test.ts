import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { JsonObject } from '../../src/core/json.ts';
import { kernelState } from '../../src/lab/kernel-state.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { bundle, enclosed } from '../lab/enclosed.ts';
import { anotherHand } from './another-hand.ts';
import { closeLabs, CONFIG, networkUrl, never, reached, startLab } from './cluster.ts';

enclosed(import.meta.url, () => {
  describe('a daemon that cannot start', () => {
    let lab: Lab;
    let a2: LabHost;
    let bare: readonly string[];
    let daemons = 0;

    before(async () => {
      lab = await startLab();
      await lab.writeConfig(CONFIG);
      a2 = lab.host('a2');
      bare = await kernelState(a2);
    });
    after(closeLabs);

    for (const [what, words, code, message] of [
      ['an option that does not exist', ['--ifcae', 'eth0'], 2, /BAD_OPTION: unknown option --ifcae\n.*--iface/],
      ['an address that is none', ['--public-ip', '1.2.3'], 2, /BAD_OPTION: --public-ip "1\.2\.3": expected an IPv4/],
      ['a store that this version lacks', ['--store', 'dynmodb://weft'], 2, /BAD_OPTION: .*"dynmodb"\n.*dynamodb:/],
    ] as const) {
      it(`says so and ends, for ${what}`, async () => {
        const ended = await a2.tryWeftd(['run', ...words]);
        assert.equal(ended.code, code);
        assert.match(ended.stderr, message);
      });
    }

    it('says so and ends, for want of the right to the kernel', async () => {
      const asNobody = [
        'setpriv',
        '--bounding-set=-all',
        '--inh-caps=-all',
        '--reuid=65534',
        '--regid=65534',
        '--clear-groups',
      ];
      // In a user namespace there may be no such user; without the capabilities it is the same.
      const command = ['--', process.execPath, bundle(), 'run', '--state-dir', '/run/nobody'];
      const ways = [asNobody, asNobody.filter((word) => !/^--(re|clear)/.test(word))];
      const way = (await a2.tryProgram([...(ways[0] ?? []), '--', 'true'])).code === 0 ? ways[0] : ways[1];
      const ended = await a2.tryProgram([...(way ?? []), ...command]);
      assert.equal(ended.code, 5, ended.stderr);
      assert.match(ended.stderr, /NOT_PERMITTED.*CAP_NET_ADMIN/);
      assert.equal(existsSync('/run/nobody'), false);
    });

    it('says so and ends, for a table that is something else’s', async () => {
      await anotherHand(a2, { deed: 'make table', table: 'other' });
      const ended = await a2.tryWeftd(['run', '--store', 'dynamodb://other']);
      assert.equal(ended.code, 1);
      assert.match(ended.stderr, /STORE_TABLE_WRONG/);
    });

    it('says so and ends, for a Network that this host is in', async () => {
      const ended = await withConfig('overlap', { Network: '172.30.0.0/16' });
      assert.equal(await ended.daemon?.ended, 'exit code 2');
      assert.match(
        readFileSync(ended.logFile, 'utf8'),
        /NETWORK_OVERLAP: Network 172\.30\.0\.0\/16 overlaps 172\.30\.1\.0\/24, which this host has on eth0/,
      );
    });

    it('waits and says why, for a table that is not there', async () => {
      await waits(daemonFor('dynamodb://absent'), 'STORE_TABLE_MISSING', /absent.*--create-table/);
    });

    it('waits and says why, for a config that nobody has written', async () => {
      await waits(daemonFor(networkUrl(lab, 'empty')), 'CONFIG_MISSING', /weftd config set/);
    });

    for (const [network, text, code, message] of [
      ['not-json', '{"Network": ', 'CONFIG_NOT_JSON', /line 1, column 13/],
      [
        'unknown-key',
        '{"Network":"10.43.0.0/16","Weft":{"Pathes":["vxlan"]}}',
        'CONFIG_UNKNOWN_KEY',
        /"Pathes".*"Paths"/,
      ],
    ] as const) {
      it(`waits and says why, for a config by another hand: ${network}`, async () => {
        await anotherHand(a2, { deed: 'write config', text }, networkUrl(lab, network));
        await waits(daemonFor(networkUrl(lab, network)), code, message);
      });
    }

    it('has not touched the kernel in all that', async () => {
      assert.deepEqual(await kernelState(a2), bare);
    });

    it('waits and says why, where no subnet can be had', async () => {
      const host = await withConfig('none', {
        Network: '10.43.0.0/16',
        SubnetMin: '10.43.9.0',
        SubnetMax: '10.43.3.0',
      });
      await waits(host, 'NO_SUBNET', /SubnetMin 10\.43\.9\.0 lies above SubnetMax 10\.43\.3\.0/);
    });

    it('goes on by itself when its store can be reached, and has said that it could not', async () => {
      const hosts = ['a1', 'b1'].map((name) => lab.host(name));
      await lab.setCable(lab.topology.store, 'down');
      for (const host of hosts) host.startDaemon();
      await Promise.all(
        hosts.map((host) =>
          host.await('says so', ({ findings }) => findings.find(({ code }) => code === 'STORE_UNREACHABLE'), never),
        ),
      );
      await lab.setCable(lab.topology.store, 'up');
      await Promise.all(hosts.map((host) => host.addContainer(never)));
      await startHosts([], hosts, never);
      assert.deepEqual(await reached(lab, hosts), ['a1>b1 vxlan', 'b1>a1 vxlan']);
    });

    /** One more daemon on a2, started. */
    function daemonFor(store: string): LabHost {
      daemons += 1;
      const host = lab.addDaemon(a2.plan, { folder: `further-${daemons}`, store, flags: ['--health-listen', 'off'] });
      host.startDaemon();
      return host;
    }

    async function withConfig(network: string, config: JsonObject): Promise<LabHost> {
      const store = networkUrl(lab, network);
      await a2.weftd(['config', 'set', '--store', store, '-f', '-'], JSON.stringify(config));
      return daemonFor(store);
    }
  });
});

/** Its log names the code and the reason, and it runs on without a lease. */
async function waits(host: LabHost, code: string, message: RegExp): Promise<void> {
  const finding = await host.await(
    'says what is wrong',
    ({ findings }) => findings.find((it) => it.code === code),
    never,
  );
  assert.match(finding.message, message);
  const status = await host.status();
  assert.deepEqual([status?.state, status?.ready, status?.subnet], ['starting', false, null]);
  assert.equal(host.daemon?.ending, undefined);
  await host.killDaemon();
}
