/** Which entries a look is about: all, or those of given keys (`hostEntryKey`). */
import { hostEntryKey, type HostEntry } from '../core/host-entry.ts';

type Kind = HostEntry['kind'];

export class Asked {
  readonly #only: ReadonlySet<string> | undefined;
  readonly #words = new Map<string, string[][]>();

  constructor(only: ReadonlySet<string> | undefined) {
    this.#only = only;
    for (const key of only ?? []) {
      const [kind = '', ...words] = key.split(' ');
      const known = this.#words.get(kind);
      if (known === undefined) this.#words.set(kind, [words]);
      else known.push(words);
    }
  }

  /** Is any entry of this kind asked for? */
  any(kind: Kind): boolean {
    return this.#only === undefined || this.#words.has(kind);
  }

  has(entry: HostEntry): boolean {
    return this.#only === undefined || this.#only.has(hostEntryKey(entry));
  }

  hasKey(key: string): boolean {
    return this.#only === undefined || this.#only.has(key);
  }

  /** What stands behind the kind in each key asked for; undefined when all are, or so many that to list all is cheaper. */
  few(kind: Kind, most: number): readonly (readonly string[])[] | undefined {
    if (this.#only === undefined) return undefined;
    const words = this.#words.get(kind) ?? [];
    return words.length <= most ? words : undefined;
  }
}
