import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import type { Lease, LeaseView } from '../../src/core/lease.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { SharedHost } from '../../src/host/shared-host.ts';
import { openStateDirectory } from '../../src/host/state-directory.ts';
import { HostPasses } from '../../src/reconcile/host-pass.ts';
import type { PassReport } from '../../src/reconcile/pass-report.ts';
import { describeChange } from '../../src/agent/pass-journal.ts';
import { never } from '../contract/host-world.ts';
import { chooseFirst } from '../datapath/choose-first.ts';
import { lease, selfAt, uplinkAt, vxlanAt } from '../datapath/cluster.ts';
import { FakeHost } from '../fakes/fake-host.ts';
import { ManualClock } from '../fakes/manual-clock.ts';

const viewOf = (leases: readonly Lease[]): LeaseView => ({
  revision: '1',
  config: undefined,
  leases: new Map(leases.map((each) => [each.key, each])),
  expired: new Set(),
  skipped: [],
  findings: [],
});

test('of two daemons of a host with the default paths and a VNI of its own each, the second does without the udp tunnel alone', async (t) => {
  const directory = mkdtempSync(join(os.tmpdir(), 'weft-two-'));
  const kernel = new FakeHost({
    name: 'eth0',
    addresses: [{ address: parseAddress('192.168.0.1'), prefixLength: 24 }],
    mtuBytes: 1500,
  });
  t.after(() => rmSync(directory, { recursive: true }));
  /** Its hosts have 10.NUMBER.0.0/16 and the VNI of that number. */
  const daemon = async (number: number): Promise<() => Promise<PassReport>> => {
    const nodeId = parseNodeId('node-a');
    const state = await openStateDirectory({
      directory,
      instanceKey: [`${number}`],
      nodeId,
      machineIdPath: '/etc/machine-id',
    });
    t.after(() => state.close());
    const host = new SharedHost(kernel, state.claims, 'daemon');
    const passes = new HostPasses({ host, clock: new ManualClock(0) });
    const offers = (name: string) => ({ weft: { ...vxlanAt(name, number), udp: { port: 8285 } } });
    const mine = lease(`10.${number}.1.0/24`, '192.168.0.1', offers('me'));
    const other = lease(`10.${number}.2.0/24`, '192.168.7.2', offers('two'));
    const config = { Network: `10.${number}.0.0/16`, Weft: { VXLAN: { VNI: number } } };
    const self = selfAt(config, mine, uplinkAt('192.168.0.1'));
    const common = { files: [], previousNetworks: [], answering: new Set<never>(), choose: chooseFirst };
    const input = { ...common, self, view: viewOf([mine, other]), changed: 'all', dryRun: false } as const;
    return () => passes.pass(input, never());
  };
  const [first, second] = [await daemon(42), await daemon(43)];
  const made = await first();
  assert.deepEqual(made.failed, []);
  assert.deepEqual(made.receives, ['direct', 'fabric', 'vxlan', 'udp']);
  const before = kernel.text.split('\n').filter((line) => !line.startsWith('sysctl '));

  await second();
  const settled = await second();
  assert.deepEqual(
    settled.failed.map(({ change, error }) => `${describeChange(change)}: ${error.code}`),
    ['link flannel0 tun mtu 1472 up: LINK_FOREIGN'],
  );
  assert.equal(settled.triesAgain, false);
  assert.deepEqual(settled.receives, ['direct', 'fabric', 'vxlan']);
  assert.deepEqual(
    [...settled.peers.values()].map(({ path }) => path),
    ['vxlan'],
  );
  for (const line of before) assert.ok(kernel.text.includes(line), line);
  assert.deepEqual((await first()).planned, []);
});
