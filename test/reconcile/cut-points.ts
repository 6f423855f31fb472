/** Ends a process at its k-th call to cloud, inventory, leases or records, in each of the ways in which a process may end there. */
import { WeftError } from '../../src/core/errors.ts';
import type { Tap } from '../fakes/tapped.ts';

const CUTS = [
  /** Nothing was done, and the caller is told. */
  'refused',
  'throttled',
  /** It was done, and the caller is told that nobody knows. */
  'answer lost',
  /** The time limit: the signal fires, and what is begun may end. */
  'aborted',
  /** Nothing of this process runs any more, neither this call nor what would tidy up. */
  'dies before',
  'dies after',
  /** From here on, for as long as this process lives. */
  'store away',
  'cloud away',
] as const;
export type Cut = (typeof CUTS)[number];

interface Ending {
  dead: boolean;
  away: 'store' | 'cloud' | undefined;
  readonly abort: AbortController;
}

type Seam = 'cloud' | 'inventory' | 'store' | 'records';

export class CutPoints {
  /** Calls so far, those of all processes in turn. */
  readonly calls: string[] = [];
  readonly #at: number | undefined;
  readonly #how: Cut | undefined;
  #process: Ending = { dead: false, away: undefined, abort: new AbortController() };

  constructor(at?: number, how?: Cut) {
    this.#at = at;
    this.#how = how;
  }

  /** A process of its own begins. What is left of the one before it never gets through again. */
  begin(): AbortSignal {
    this.#process = { dead: false, away: undefined, abort: new AbortController() };
    return this.#process.abort.signal;
  }

  get dead(): boolean {
    return this.#process.dead;
  }

  /** Of the process that began last. */
  tap(seam: Seam): Tap {
    const process = this.#process;
    const end = (): never => {
      process.dead = true;
      process.abort.abort();
      throw died();
    };
    return async (what, work) => {
      if (process.dead) throw died();
      this.calls.push(`${seam} ${what}`);
      const how = this.calls.length - 1 === this.#at ? this.#how : undefined;
      if (how === 'store away') process.away = 'store';
      if (how === 'cloud away') process.away = 'cloud';
      if (process.away === (isCloud(seam) ? 'cloud' : 'store')) throw fault(seam, 'refused');
      if (how === 'refused' || how === 'throttled') throw fault(seam, how);
      if (how === 'dies before') end();
      if (how === 'aborted') process.abort.abort();
      const result = await work();
      if (how === 'answer lost') throw fault(seam, 'refused');
      if (how === 'dies after') end();
      return result;
    };
  }
}

const isCloud = (seam: Seam): boolean => seam === 'cloud' || seam === 'inventory';

const died = (): WeftError => new WeftError('ABORTED', 'the process is dead');

function fault(seam: Seam, how: 'refused' | 'throttled'): WeftError {
  if (how === 'throttled')
    return new WeftError(isCloud(seam) ? 'CLOUD_THROTTLED' : 'STORE_THROTTLED', 'too many calls');
  return new WeftError(isCloud(seam) ? 'CLOUD_UNREACHABLE' : 'STORE_UNREACHABLE', 'there was no answer');
}
