/** What is wrong and cannot be put right by a run: a line when it begins and one when it is over, not one a minute. */
import type { Log } from '../src/contracts/log.ts';
import type { RunReport } from '../src/reconcile/reconciler-parts.ts';

export class Troubles {
  readonly #log: Log;
  #standing: ReadonlySet<string> = new Set();

  constructor(log: Log) {
    this.#log = log;
  }

  told({ how, findings, doubted, outcomes }: Pick<RunReport, 'how' | 'findings' | 'doubted' | 'outcomes'>): void {
    if (how === 'busy') return;
    const now = new Set<string>();
    const say = (text: string, tell: () => void): void => {
      if (!this.#standing.has(text) && !now.has(text)) tell();
      now.add(text);
    };
    for (const { code, message } of findings)
      say(`${code} ${message}`, () => this.#log.warn({ code, why: message }, 'something needs a person'));
    // A missing right is told of each route: one line a table, for whoever reads it, and not a thousand.
    for (const { code, row, why, hint } of outcomes.values()) {
      if (code === undefined) continue;
      const { table, destination } = row;
      say(`${code} in ${table}`, () =>
        this.#log.warn(
          { code, table, destination, why: `${why ?? row.why ?? ''}${hint === undefined ? '' : `; ${hint}`}` },
          'routes are not as they should be',
        ),
      );
    }
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
