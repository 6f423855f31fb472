/** Somebody else at the lab's etcd: reads and writes raw keys and values, past all that is Weft's. By a program on a host, for the store is in the lab. */
import { fileURLToPath } from 'node:url';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';

export interface EtcdEntry {
  readonly key: string;
  readonly value: string;
  readonly created: number;
  readonly modified: number;
  /** The TTL of its etcd lease when that was granted; absent without one. */
  readonly grantedSeconds?: number;
}

export type EtcdDeed =
  /** Without `seconds` under no etcd lease. */
  | { readonly op: 'put'; readonly key: string; readonly value: string; readonly seconds?: number }
  /** Only where nothing stands. */
  | { readonly op: 'create'; readonly key: string; readonly value: string; readonly seconds: number }
  | { readonly op: 'delete'; readonly key: string }
  | { readonly op: 'list'; readonly prefix: string };

export class EtcdHand {
  /** Of flannel's keys: `/coreos.com/network`. */
  readonly prefix: string;
  readonly #url: string;
  readonly #host: LabHost;

  /** @param uri of the store, as `--store` has it. */
  constructor(lab: Lab, uri = lab.store.uri) {
    const { host, pathname } = new URL(uri);
    this.prefix = pathname;
    this.#url = `http://${host}`;
    const [any] = lab.hosts.values();
    if (any === undefined) throw new Error('a lab without hosts has nobody to reach the store from');
    this.#host = any;
  }

  async put(key: string, value: string, seconds?: number): Promise<void> {
    await this.#do({ op: 'put', key: this.#full(key), value, ...(seconds === undefined ? {} : { seconds }) });
  }

  /** Each under no etcd lease, one after the other. */
  async putAll(values: Readonly<Record<string, string>>): Promise<void> {
    await this.#do(
      ...Object.entries(values).map(([key, value]) => ({ op: 'put', key: this.#full(key), value }) as const),
    );
  }

  /** As flanneld makes a lease: only where none is, for 24 hours. */
  async create(key: string, value: string): Promise<boolean> {
    return (await this.#do({ op: 'create', key: this.#full(key), value, seconds: 86_400 })) === true;
  }

  async delete(...keys: readonly string[]): Promise<void> {
    await this.#do(...keys.map((key) => ({ op: 'delete', key: this.#full(key) }) as const));
  }

  /** Keys without the prefix, in order. */
  async list(below = ''): Promise<readonly EtcdEntry[]> {
    const found = (await this.#do({ op: 'list', prefix: this.#full(below) })) as readonly EtcdEntry[];
    return found.map((entry) => ({ ...entry, key: entry.key.slice(this.prefix.length + 1) }));
  }

  async get(key: string): Promise<EtcdEntry | undefined> {
    return (await this.list(key)).find((entry) => entry.key === key);
  }

  #full(key: string): string {
    return `${this.prefix}/${key}`;
  }

  /** What the first came to. */
  async #do(...deeds: readonly EtcdDeed[]): Promise<unknown> {
    const program = fileURLToPath(new URL('etcd-hand-program.js', import.meta.url));
    const answer = await this.#host.run([process.execPath, program, this.#url, JSON.stringify(deeds)]);
    return (JSON.parse(answer) as readonly unknown[])[0];
  }
}
