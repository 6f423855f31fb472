/** One option: the kind of its values, its words in help, and how many values make one. */
import { WeftError } from '../core/errors.ts';
import type { CommandName } from './command-name.ts';
import type { Kind } from './option-kinds.ts';

/** One value as a person wrote it, and where: `--public-ip` or `FLANNELD_PUBLIC_IP`. */
export interface Given {
  readonly where: string;
  readonly text: string;
}

interface About {
  /** One line of help. */
  readonly help: string;
  /** The commands that take it. */
  readonly uses: readonly CommandName[];
  /** flannel has the same flag with the same meaning. */
  readonly flannel?: true;
  /** A one-letter name besides the long one. */
  readonly letter?: string;
  /** A variable besides FLANNELD_*. */
  readonly variable?: string;
  /** For those that it matters to whether it was given: what it is when it was not, as help shows it. */
  readonly otherwise?: string;
  /** What to do where a command does not take it. */
  readonly elsewhere?: string;
}

export interface Option<T> extends About {
  readonly kind: Kind<unknown>;
  readonly repeats: boolean;
  /** As help shows it; empty: none. */
  readonly fallback: string;
  /** @throws WeftError BAD_OPTION, which names the place, the value and what was expected. */
  value(given: readonly Given[]): T;
}

function read<T>(kind: Kind<T>, { where, text }: Given): T {
  const value = kind.read(text);
  if (value !== undefined) return value;
  const why = kind.why?.(text);
  throw new WeftError(
    'BAD_OPTION',
    `${where} "${kind.shown?.(text) ?? text}": expected ${kind.expects}${why === undefined ? '' : `; ${why}`}`,
  );
}

/** Given twice, the last one counts, as with Go's flags. */
const last = <T>(kind: Kind<T>, given: readonly Given[]): T | undefined => given.map((one) => read(kind, one)).at(-1);

export function optional<T>(kind: Kind<T>, about: About): Option<T | undefined> {
  const { otherwise: fallback = '' } = about;
  return { ...about, kind, repeats: false, fallback, value: (given) => last(kind, given) };
}

export function defaulted<T>(kind: Kind<T>, fallback: string, about: About): Option<T> {
  const byDefault = read(kind, { where: 'the default', text: fallback });
  return { ...about, kind, repeats: false, fallback, value: (given) => last(kind, given) ?? byDefault };
}

export function many<T>(kind: Kind<T>, about: About): Option<readonly T[]> {
  return { ...about, kind, repeats: true, fallback: '', value: (given) => given.map((one) => read(kind, one)) };
}
