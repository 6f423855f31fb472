/** Makes the namespace of a VPC do to packets what the account says, and keeps it so. */
import { isDeepStrictEqual } from 'node:util';
import { WeftError } from '../../core/errors.ts';
import { insideOf, ip, writeSysctl } from '../namespaces.ts';
import { attempt } from '../program.ts';
import { METADATA_ADDRESS } from './metadata-server.ts';
import type { AwsState } from './model.ts';
import { filterOf, filterScript, type VpcFilter } from './vpc-filter.ts';
import { NOTHING, routingChanges, routingOf, type VpcRouting } from './vpc-routes.ts';
import type { VpcWiring } from './vpc-wiring.ts';

const FIRST_TABLE = 1000;

export class VpcKernel {
  readonly #wiring: VpcWiring;
  readonly #numbers = new Map<string, number>();
  #routing: VpcRouting = NOTHING;
  #filter: VpcFilter | undefined;
  #next: AwsState | undefined;
  #work: Promise<void> = Promise.resolve();

  private constructor(wiring: VpcWiring) {
    this.#wiring = wiring;
  }

  static async start(wiring: VpcWiring, state: AwsState): Promise<VpcKernel> {
    const { namespace, bridges, way } = wiring;
    const devices = ['all', 'default', ...bridges.values(), ...(way === undefined ? [] : [way.device])];
    for (const device of devices) {
      // A VPC does not look where a packet ought to have come from, and tells no host of a shorter way.
      writeSysctl(namespace, `net.ipv4.conf.${device}.rp_filter`, '0');
      writeSysctl(namespace, `net.ipv4.conf.${device}.send_redirects`, '0');
    }
    await ip([`address add ${METADATA_ADDRESS}/32 dev lo`], namespace);
    const kernel = new VpcKernel(wiring);
    kernel.follow(state);
    await kernel.settled();
    return kernel;
  }

  /** The account has changed. States that come while one is being programmed are passed over, but for the last. */
  follow(state: AwsState): void {
    const waiting = this.#next !== undefined;
    this.#next = state;
    if (waiting) return;
    this.#work = this.#work.then(async () => {
      const newest = this.#next;
      this.#next = undefined;
      if (newest !== undefined) await this.#program(newest);
    });
    // Whoever waits for it hears of it.
    this.#work.catch(() => {});
  }

  /** Resolves when packets meet the last state that was followed; rejects when the kernel refused it. */
  async settled(): Promise<void> {
    await this.#work;
  }

  async #program(state: AwsState): Promise<void> {
    const filter = filterOf(state, this.#wiring);
    if (this.#filter === undefined || !isDeepStrictEqual(filter, this.#filter)) {
      await this.#load(filterScript(this.#filter, filter));
      this.#filter = filter;
    }
    const routing = routingOf(state, this.#wiring, (table) => this.#numberOf(table));
    await ip(routingChanges(this.#routing, routing), this.#wiring.namespace);
    this.#routing = routing;
  }

  async #load(script: string): Promise<void> {
    const [program, ...args] = insideOf(this.#wiring.namespace, ['nft', '-f', '-']);
    const { code, stderr } = await attempt(program, args, { input: script });
    if (code !== 0) throw new WeftError('LAB_FAILED', `nft refused the filter of ${this.#wiring.namespace}: ${stderr}`);
  }

  #numberOf(table: string): number {
    const number = this.#numbers.get(table) ?? FIRST_TABLE + this.#numbers.size;
    this.#numbers.set(table, number);
    return number;
  }
}
