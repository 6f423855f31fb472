/** Which policies stand at which roles and users. Whoever has no entry may do everything: an account in which nothing is said stays open. */
import { readPolicy, type Policy } from './policy.ts';
import type { Principal } from './principal.ts';

interface Entry {
  /** As they were given. */
  readonly documents: readonly unknown[];
  readonly policies: readonly Policy[];
}

export class AttachedPolicies {
  #byName = new Map<string, Entry>();

  /**
   * Takes the place of what stood at these names; an empty list allows nothing, null takes the entry away.
   * @throws Error naming the role and what is wrong; then nothing has changed
   */
  attach(given: Readonly<Record<string, unknown>>): void {
    const next = new Map(this.#byName);
    for (const [name, documents] of Object.entries(given)) {
      if (documents === null) next.delete(name);
      else next.set(name, readEntry(name, documents));
    }
    this.#byName = next;
  }

  get standing(): Readonly<Record<string, readonly unknown[]>> {
    return Object.fromEntries([...this.#byName].map(([name, { documents }]) => [name, documents]));
  }

  /** Nothing is said of anybody. */
  get none(): boolean {
    return this.#byName.size === 0;
  }

  /** Undefined: nothing is said of it. */
  of({ name }: Principal): readonly Policy[] | undefined {
    return this.#byName.get(name)?.policies;
  }
}

/** One document, or a list of them. */
function readEntry(name: string, given: unknown): Entry {
  const documents: readonly unknown[] = Array.isArray(given) ? given : [given];
  const policies = documents.map((document, index) => {
    try {
      return readPolicy(document);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`policies of ${name}, document ${index + 1}: ${why}`, { cause: error });
    }
  });
  return { documents, policies };
}
