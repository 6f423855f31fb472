import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AwsInLab } from '../../src/lab/aws/aws-site.ts';
import { planned } from '../../src/lab/aws/account.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { pingAllPairs } from '../../src/lab/matrix.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes, statusOf } from './becomes.ts';
import { closeLabs } from './cluster.ts';
import { startCloud, startInCloud } from './cloud-cluster.ts';
import { sixInACloud } from './six-in-a-cloud.ts';
import { takenBy } from './turns.ts';

const IN_A = ['a1', 'a2'];
const IN_B = ['b1', 'b2', 'b3', 'b4'];
const SLOTS = 2;
/** The tries of a refused owner come ever more rarely: the first at the latest after 10, 30, 70 and 150 s. However slow the tests before were, one is within this. */
const RETRIES_MS = 180_000;

type Paths = Readonly<Record<string, string>>;

/** @param slots who has a route in the table of subnet A */
function pathOf(direction: string, slots: readonly string[]): string {
  const [from = '', to = ''] = direction.split('>');
  if (from[0] === to[0]) return 'direct';
  return from[0] === 'b' || slots.includes(to) ? 'fabric' : 'vxlan';
}

enclosed(import.meta.url, () => {
  describe(`six hosts, and a table with room for ${SLOTS} of the four routes that it should hold`, () => {
    let lab: Lab;
    let aws: AwsInLab;
    let hosts: readonly LabHost[];

    before(async () => {
      ({ lab, aws } = await startCloud(sixInACloud));
      await aws.do('quota', { table: 'table-a', free: SLOTS });
      hosts = await startInCloud(lab, [...IN_A, ...IN_B]);
    });
    after(closeLabs);

    const allReached = async (): Promise<void> => {
      const lost = (await pingAllPairs(hosts, lab.pinger)).filter(({ ok }) => !ok);
      assert.deepEqual(lost, []);
    };
    /** Of those who use the full table: whom they reach by it; none unless they agree. */
    const carried = (paths: Paths): readonly string[] => {
      const [one = [], other] = IN_A.map((from) => IN_B.filter((to) => paths[`${from}>${to}`] === 'fabric'));
      return one.join() === other?.join() ? one : [];
    };
    /** Directions that are not as these slots say. */
    const wrong = (paths: Paths, slots: readonly string[]): readonly string[] =>
      Object.entries(paths)
        .filter(([direction, path]) => path !== pathOf(direction, slots))
        .map((each) => each.join(' '));
    const become = (slots: number): Promise<void> =>
      becomes(
        `${slots} have a slot, and all are on their paths`,
        { slots, wrong: [] },
        async () => {
          const paths = await takenBy(hosts);
          const found = carried(paths);
          return { slots: found.length, wrong: wrong(paths, found) };
        },
        RETRIES_MS,
      );

    it('give the slots to two, reach the others by the tunnel, and lose nobody', async () => {
      await become(SLOTS);
      await allReached();
    });

    it('say why: the owner of a route without a slot, and all who would send by it', async () => {
      const slots = carried(await takenBy(hosts));
      const table = planned.table('table-a');
      for (const name of IN_B.filter((it) => !slots.includes(it))) {
        const { subnet } = lab.host(name).container;
        const full = new RegExp(`ROUTE_TABLE_FULL: no cloud route ${subnet} in ${table}: .*maximum number of routes`);
        // It may have tried for it later than others, who are on their paths, have won theirs.
        await becomes('its owner says it', true, async () => full.test(await lab.host(name).weftd(['status'])));
        for (const sender of IN_A) {
          const reason = async (): Promise<string> =>
            (await lab.host(sender).status())?.peers
              .find((it) => it.subnet === subnet)
              ?.refused.find(({ path }) => path === 'fabric')?.why ?? '';
          await becomes('its sender has the reason', true, async () => /maximum number of routes/.test(await reason()));
          assert.ok((await lab.host(sender).weftd(['status'])).includes(`fabric: ${await reason()}`));
        }
      }
    });

    it('move to the table when its quota is raised, without a word from anybody', async () => {
      await aws.do('quota', { table: 'table-a' });
      await become(IN_B.length);
      await becomes('nobody complains', [], async () =>
        (await Promise.all(hosts.map(statusOf))).flatMap(({ findings }) => findings),
      );
      await allReached();
    });
  });
});
