/** What goes wrong with calls on purpose. */
import { matches } from './permissions.ts';

/**
 * - `error`: refused with a code, without effect
 * - `reset-before`: the connection breaks, without effect
 * - `reset-after`: it takes effect, and the answer is lost
 * - `cut`: it takes effect, and the answer breaks off in the middle
 * - `garbage`: it takes effect, and the answer is no XML
 * - `silence`: it takes effect, and no answer comes until the caller goes
 * - `delay`: nothing happens for a while; then all goes its way
 */
export type FaultKind = 'error' | 'reset-before' | 'reset-after' | 'cut' | 'garbage' | 'silence' | 'delay';

export interface CallFault {
  readonly kind: FaultKind;
  /** `*` stands for anything, in both. */
  readonly action?: string;
  readonly who?: string;
  /** How many calls it hits; undefined: all until it is cleared. */
  readonly times?: number;
  /** Of `error`. */
  readonly code?: string;
  readonly message?: string;
  readonly status?: number;
  /** Of `delay`. */
  readonly ms?: number;
}

const KINDS: readonly FaultKind[] = ['error', 'reset-before', 'reset-after', 'cut', 'garbage', 'silence', 'delay'];

/** @throws Error naming what is wrong with it. */
export function readFault(value: Readonly<Record<string, unknown>>): CallFault {
  const kind = KINDS.find((it) => it === value['kind']);
  if (kind === undefined) throw new Error(`no fault "${String(value['kind'])}": ${KINDS.join(', ')}`);
  for (const [key, given] of Object.entries(value)) {
    const type = key === 'times' || key === 'status' || key === 'ms' ? 'number' : 'string';
    if (typeof given !== type) throw new Error(`${key}: expected a ${type}`);
  }
  return { ...value, kind };
}

export class CallFaults {
  #faults: { readonly fault: CallFault; left: number }[] = [];

  add(fault: CallFault): void {
    this.#faults.push({ fault, left: fault.times ?? Infinity });
  }

  clear(): void {
    this.#faults = [];
  }

  get standing(): readonly CallFault[] {
    return this.#faults.map(({ fault }) => fault);
  }

  /** The first that fits this call; it is used up by one. */
  take(action: string, who: string): CallFault | undefined {
    const hit = this.#faults.find(
      ({ fault }) => matches(fault.action ?? '*', action) && matches(fault.who ?? '*', who),
    );
    if (hit === undefined) return undefined;
    hit.left -= 1;
    if (hit.left <= 0) this.#faults = this.#faults.filter((it) => it !== hit);
    return hit.fault;
  }
}
