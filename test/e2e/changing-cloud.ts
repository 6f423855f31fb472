/** Hosts in an emulated AWS that changes under them, for one test file: real daemons, and packets that follow the account. */
import assert from 'node:assert/strict';
import type { AwsInLab } from '../../src/lab/aws/aws-site.ts';
import { cloudAndOffice } from '../../src/lab/cloud-and-office.ts';
import { eventually } from '../../src/lab/eventually.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import type { Topology } from '../../src/lab/topology.ts';
import { becomes } from './becomes.ts';
import { DRAWN, never, reached, startLab } from './cluster.ts';

/** A loaded machine has time to fall, to look, to write and to come back, each after the waits of the design. */
const WITHIN_MS = 90_000;
/** Shorter than the design's, so that what is mended is seen soon: it doubles with each fall, and these tests make many. */
const PROBE = { Interval: '500ms', Hold: '1s' };

/** As the cloud lab, and by the main table too hosts reach their store. */
const topology: Topology = {
  ...cloudAndOffice,
  sites: cloudAndOffice.sites.map((site) =>
    site.vpc === undefined
      ? site
      : {
          ...site,
          vpc: {
            ...site.vpc,
            tables: site.vpc.tables.map((table) => (table.name === 'main' ? { ...table, internet: 'igw' } : table)),
          },
        },
  ),
};

export class ChangingCloud {
  readonly lab: Lab;
  readonly aws: AwsInLab;

  private constructor(lab: Lab) {
    assert.ok(lab.aws !== undefined);
    this.lab = lab;
    this.aws = lab.aws;
  }

  static async start(names: readonly string[]): Promise<ChangingCloud> {
    const cluster = new ChangingCloud(await startLab({}, topology));
    await cluster.lab.writeConfig({ ...DRAWN, Weft: { Probe: PROBE } });
    const hosts = names.map((name) => cluster.host(name));
    await startHosts(hosts, hosts, never);
    return cluster;
  }

  host(name: string): LabHost {
    return this.lab.host(name);
  }

  /** Every pair answers pings, by just these paths. */
  async paths(expected: readonly string[], hosts: readonly LabHost[] = this.lab.running): Promise<void> {
    await becomes('pairs are on their paths', expected, () => reached(this.lab, hosts), WITHIN_MS);
  }

  /**
   * Does what makes these pairs ("a1>b1") leave their path, and waits until each has been on the tunnel since: by the daemons' own history, for one may see
   * and mend it within a second.
   * @param isMended the first to fall may have had it mended for all: the others need not come to their third miss then
   */
  async fallen(
    pairs: readonly string[],
    change: () => Promise<unknown>,
    isMended: () => boolean = () => false,
  ): Promise<void> {
    // Their number, and not their times: a daemon tells by the wall when it was, a millisecond earlier or later each time.
    const falls = (): Promise<readonly number[]> => Promise.all(pairs.map((pair) => this.#falls(pair)));
    const before = await falls();
    await change();
    await eventually(
      `${pairs.join(', ')} fell to the tunnel`,
      WITHIN_MS,
      async () => {
        const now = await falls();
        const missing = pairs.filter((_, index) => (now[index] ?? 0) <= (before[index] ?? 0));
        return missing.length === 0 || isMended() ? { found: true } : { missing: `${missing.join(', ')} did not` };
      },
      never,
    );
  }

  async #falls(pair: string): Promise<number> {
    const [from = '', to = ''] = pair.split('>');
    const turns = await this.host(from).turnsTo(this.host(to));
    return turns.filter(({ to: path }) => path === 'vxlan').length;
  }

  /** The target of each overlay route in a table, as it is. */
  routes(table: string): ReadonlyMap<string, string> {
    const { tables, tags } = this.aws.cloud.state;
    const found = [...tables.values()].find(({ id }) => tags.get(id)?.get('Name') === table);
    return new Map(
      [...(found?.routes.values() ?? [])].flatMap(({ destination, target }) =>
        destination.startsWith('10.42.') && target.kind !== 'local' ? [[destination, target.id] as const] : [],
      ),
    );
  }

  /** Calls that could change something, of all hosts. */
  get mutations(): number {
    return Object.values(this.aws.cloud.journal.counts()).reduce((sum, { mutating }) => sum + mutating, 0);
  }

  /** "Look at everything again, now": doubts come to nothing for two minutes when there have been some. */
  look(...names: readonly string[]): void {
    for (const name of names) this.host(name).daemon?.kill('SIGHUP');
  }
}
