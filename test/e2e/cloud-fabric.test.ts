/** Real daemons on instances of the emulated AWS: their routes stand in its tables, and packets follow them. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { cloudAndOffice } from '../../src/lab/cloud-and-office.ts';
import { eventually } from '../../src/lab/eventually.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { enclosed } from '../lab/enclosed.ts';
import { closeLabs, DRAWN, never, reached, startLab } from './cluster.ts';

const EXPECTED = [
  'a1>a2 direct',
  'a1>b1 fabric',
  'a1>o1 vxlan',
  'a2>a1 direct',
  'a2>b1 fabric',
  'a2>o1 vxlan',
  'b1>a1 fabric',
  'b1>a2 fabric',
  'b1>o1 vxlan',
  'o1>a1 vxlan',
  'o1>a2 vxlan',
  'o1>b1 vxlan',
];

/** Six as a rule. Where all start at once a pair may be doubted before its peer forwards: that is two more each time, three times before it has to wait. */
const MOST_CALLS = 12;

enclosed(import.meta.url, () => {
  describe('hosts in a VPC and one at home', () => {
    let lab: Lab;
    before(async () => {
      lab = await startLab({}, cloudAndOffice);
      await lab.writeConfig({ ...DRAWN, Weft: {} });
      const hosts = ['a1', 'a2', 'b1', 'o1'].map((name) => lab.host(name));
      await startHosts(hosts, hosts, never);
    });
    after(closeLabs);

    const counts = (): { total: number; mutating: number } =>
      Object.values(lab.aws?.cloud.journal.counts() ?? {}).reduce(
        (sum, { total, mutating }) => ({ total: sum.total + total, mutating: sum.mutating + mutating }),
        { total: 0, mutating: 0 },
      );
    const becomes = (expected: readonly string[]): Promise<unknown> =>
      eventually(
        'pairs are on their paths',
        90_000,
        async () => {
          const now = await reached(lab);
          return now.join() === expected.join() ? { found: true } : { missing: now.join('\n') };
        },
        never,
      );

    it('reach each other: directly in a subnet, by route tables across subnets, by tunnel from home', async () => {
      await becomes(EXPECTED);
      for (const [who, { total, mutating }] of Object.entries(lab.aws?.cloud.journal.counts() ?? {}))
        assert.ok(total <= MOST_CALLS && mutating <= 3, `${who}: ${total} calls, ${mutating} that change something`);
    });

    it('a restart makes no call that changes anything, and keeps every path', async () => {
      const { mutating } = counts();
      const a1 = lab.host('a1');
      await a1.killDaemon();
      a1.startDaemon();
      await a1.await('is ready', ({ ready }) => (ready ? true : undefined), never);
      await becomes(EXPECTED);
      assert.equal(counts().mutating, mutating);
    });
  });
});
