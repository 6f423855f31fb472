/** What hosts write to the store while a test looks: told by DynamoDB's calls, and by etcd's revisions. */
import { fileURLToPath } from 'node:url';
import type { Lab } from '../../src/lab/lab.ts';
import type { StoreKind } from '../../src/lab/store.ts';
import { becomes } from './becomes.ts';
import { calls, startProxy, throughProxy, writes } from './watched-calls.ts';

/** So many polls of DynamoDB's feed, each of a host's a second, that all have looked more than once. */
const QUIET_CALLS = 12;

export interface Written {
  /** What hosts need in their environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Before the first host starts. */
  start(lab: Lab): Promise<void>;
  /** Waits until nobody writes any more; from here on it counts. */
  mark(): Promise<void>;
  /** Since the mark: one line a transaction. */
  look(): Promise<readonly string[]>;
}

export const written = (store: StoreKind): Written => (store === 'etcd' ? new InEtcd() : new InDynamoDB());

class InDynamoDB implements Written {
  readonly environment = throughProxy;
  #already = 0;

  start(lab: Lab): Promise<void> {
    return startProxy(lab);
  }

  /** Claimers that raced at the start left numbers in the feed unused, and some follower closes those a moment later. */
  async mark(): Promise<void> {
    await becomes('nobody writes any more', [], () => writes(calls().slice(-QUIET_CALLS)));
    this.#already = calls().length;
  }

  look(): Promise<readonly string[]> {
    return Promise.resolve(writes(calls().slice(this.#already)));
  }
}

interface Keys {
  readonly revision: number;
  readonly keys: readonly (readonly [key: string, modified: number])[];
}

class InEtcd implements Written {
  readonly environment = {};
  #lab: Lab | undefined;
  #revision = 0;

  start(lab: Lab): Promise<void> {
    this.#lab = lab;
    return Promise.resolve();
  }

  async mark(): Promise<void> {
    this.#revision = (await this.#read()).revision;
  }

  /** Each transaction that writes makes one revision; one that only removed keys shows no key. */
  async look(): Promise<readonly string[]> {
    const { revision, keys } = await this.#read();
    return Array.from({ length: revision - this.#revision }, (_, index) =>
      keys.flatMap(([key, modified]) => (modified === this.#revision + 1 + index ? key : [])).join(' '),
    );
  }

  async #read(): Promise<Keys> {
    const host = this.#lab?.host('a2');
    if (host === undefined) throw new Error('nothing is written before the start');
    const program = fileURLToPath(new URL('etcd-keys-program.js', import.meta.url));
    return JSON.parse(await host.run([process.execPath, program, this.#lab?.store.uri ?? ''])) as Keys;
  }
}
