/** What is wrong and cannot be put right by a run: a line when it begins and one when it is over, not one a minute. */
import type { Log } from '../src/contracts/log.ts';
import type { RunReport } from '../src/reconcile/reconciler-parts.ts';
import { routeTroubles } from './route-troubles.ts';

export class Troubles {
  readonly #log: Log;
  #standing: ReadonlySet<string> = new Set();

  constructor(log: Log) {
    this.#log = log;
  }

  told(report: Pick<RunReport, 'how' | 'findings' | 'doubted' | 'outcomes'>): void {
    const { how, findings, doubted } = report;
    if (how === 'busy') return;
    const now = new Set<string>();
    const say = (text: string, tell: () => void): void => {
      if (!this.#standing.has(text) && !now.has(text)) tell();
      now.add(text);
    };
    for (const { code, message } of findings)
      say(`${code} ${message}`, () => this.#log.warn({ code, why: message }, 'something needs a person'));
    // By its code alone: counts and tables change from run to run.
    for (const { code, count, why } of routeTroubles(report))
      say(`routes ${code}`, () => this.#log.warn({ code, count, why }, 'routes cannot be brought further'));
    for (const { subnet, node, why } of doubted)
      say(`${subnet} ${node} ${why}`, () => this.#log.warn({ subnet, node, why }, 'a lease is not believed'));
    // A run that came to no end has not seen all that may still be wrong.
    if (how === 'cut') this.#standing = new Set([...this.#standing, ...now]);
    else {
      for (const text of this.#standing) if (!now.has(text)) this.#log.info({ why: text }, 'it is over');
      this.#standing = now;
    }
  }
}
