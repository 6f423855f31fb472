/** Hosts in an emulated AWS that changes under them, for one test file: real daemons, and packets that follow the account. */
import assert from 'node:assert/strict';
import type { JsonObject } from '../../src/core/json.ts';
import type { AwsInLab } from '../../src/lab/aws/aws-site.ts';
import { cloudAndOffice } from '../../src/lab/cloud-and-office.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import type { Topology } from '../../src/lab/topology.ts';
import { becomes } from './becomes.ts';
import { DRAWN, never, reached, startLab } from './cluster.ts';

/** A loaded machine has time to fall, to look, to write and to come back, each after the waits of the design. */
const WITHIN_MS = 90_000;

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

  static async start(names: readonly string[], config: JsonObject): Promise<ChangingCloud> {
    const cluster = new ChangingCloud(await startLab({}, topology));
    await cluster.lab.writeConfig({ ...DRAWN, ...config });
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
   * Does what makes these pairs ("a1>b1") leave their path, and waits until each has been on the tunnel since: by the daemon's own history, for a daemon
   * may see and mend it within a second.
   * @param enough `one`: the first to fall has it mended, and the others may not come to their third miss
   */
  async fallen(pairs: readonly string[], change: () => Promise<unknown>, enough: 'all' | 'one' = 'all'): Promise<void> {
    const falls = (): Promise<readonly string[]> => Promise.all(pairs.map((pair) => this.#lastFall(pair)));
    const before = await falls();
    await change();
    const wanted = enough === 'all' ? pairs.length : 1;
    await becomes(
      `${enough} of ${pairs.join(', ')} fell to the tunnel`,
      wanted,
      async () => Math.min(wanted, (await falls()).filter((at, index) => at > (before[index] ?? '')).length),
      WITHIN_MS,
    );
  }

  async #lastFall(pair: string): Promise<string> {
    const [from = '', to = ''] = pair.split('>');
    const told = JSON.parse(await this.host(from).weftd(['explain', '--json', this.host(to).plan.node])) as {
      readonly turns: readonly { readonly at: string; readonly to: string }[];
    };
    return told.turns.findLast(({ to: path }) => path === 'vxlan')?.at ?? '';
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
