/** What goes wrong with metadata servers on purpose, of one instance or of all. */

/**
 * - `absent`: connections break at once
 * - `silent`: nothing is answered
 * - `slow`: each answer comes so much later
 * - `garbage`: another server's page, with status 200
 * - `token-refused`: 403, as where the service is switched off
 */
export type MetadataFault =
  | { readonly kind: 'absent' | 'silent' | 'garbage' | 'token-refused' }
  | { readonly kind: 'slow'; readonly ms: number };

const EVERYBODY = '*';

export class MetadataFaults {
  readonly #faults = new Map<string, MetadataFault>();

  /** @param fault undefined: it works again. */
  set(fault: MetadataFault | undefined, instance = EVERYBODY): void {
    if (fault !== undefined) this.#faults.set(instance, fault);
    else if (instance === EVERYBODY) this.#faults.clear();
    else this.#faults.delete(instance);
  }

  of(instance: string): MetadataFault | undefined {
    return this.#faults.get(instance) ?? this.#faults.get(EVERYBODY);
  }
}

/** @throws Error naming what is wrong with it; `well` is no fault. */
export function readMetadataFault(kind: unknown, ms: unknown): MetadataFault | undefined {
  switch (kind) {
    case 'well':
      return undefined;
    case 'absent':
    case 'silent':
    case 'garbage':
    case 'token-refused':
      return { kind };
    case 'slow':
      if (typeof ms !== 'number') throw new Error('"ms" is missing');
      return { kind, ms };
    default:
      throw new Error(`no metadata fault "${String(kind)}": well, absent, silent, slow, garbage, token-refused`);
  }
}
