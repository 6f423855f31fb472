/** A fresh prefix in an etcd for each case, and hands that write past all that is tested. */
import { Etcd3 } from 'etcd3';
import { openEtcdStore, type EtcdStore, type OpenOptions } from '../../providers/etcd/open-store.ts';
import type { Clock } from '../../src/contracts/clock.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import type { Peer, StoreWorld } from '../contract/store-world.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

export interface EtcdPeer extends Peer, EtcdStore {}

let networks = 0;

export class EtcdWorld implements StoreWorld {
  readonly prefix: string;
  /** Past all that is tested. */
  readonly raw: Etcd3;
  readonly #endpoint: string;
  readonly #open: EtcdStore[] = [];

  constructor(endpoint: string, prefix = `/n${++networks}/network`) {
    this.prefix = prefix;
    this.#endpoint = endpoint;
    this.raw = new Etcd3({ hosts: `http://${endpoint}` });
  }

  /** Each with a clock and a chance of its own. */
  open(): EtcdPeer {
    const clock = new ManualClock(1000 * this.#open.length);
    return { ...this.openStore(this.#endpoint, { clock }), clock };
  }

  /** `settings` go into the URL. */
  openStore(endpoints: string, options: Partial<OpenOptions> & { readonly clock: Clock }, settings = ''): EtcdStore {
    return this.openAt(`etcd://${endpoints}${this.prefix}${settings}`, options);
  }

  openAt(url: string, options: Partial<OpenOptions> = {}): EtcdStore {
    const random = new SeededRandom(this.#open.length + 1);
    const opened = openEtcdStore(url, { clock: new SystemClock(), random, ...options });
    this.#open.push(opened);
    return opened;
  }

  /** As flanneld does: under an etcd lease of 24 h. */
  async writeForeign(key: string, value: string): Promise<void> {
    await this.raw.lease(86_400, { autoKeepAlive: false }).put(`${this.prefix}/subnets/${key}`).value(value);
  }

  /** All keys below the prefix, without it. */
  async keys(): Promise<string[]> {
    const keys = await this.raw.getAll().prefix(`${this.prefix}/`).keys();
    return keys.map((key) => key.slice(this.prefix.length + 1)).toSorted();
  }

  /** The store's time cannot be moved, so quarantines are made to end earlier. */
  async pass(ms: number): Promise<void> {
    const held = await this.raw.getAll().prefix(`${this.prefix}/weft/held/`).exec();
    for (const { key, value, lease } of held.kvs) {
      const { TTL } = await this.raw.leaseClient.leaseTimeToLive({ ID: lease });
      const left = Number(TTL) - ms / 1000;
      if (left <= 0) await this.raw.delete().key(key);
      else await this.raw.lease(Math.ceil(left), { autoKeepAlive: false }).put(key).value(value);
    }
  }

  async close(): Promise<void> {
    for (const { close } of this.#open) close();
    this.raw.close();
  }
}
