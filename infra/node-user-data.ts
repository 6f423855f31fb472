/** The user data of an instance, by the code of `weftd user-data`. */
import { Token } from 'aws-cdk-lib';
import type { Install } from '../src/core/user-data-install.ts';
import { weftUnit } from '../src/core/user-data-unit.ts';
import { MAX_USER_DATA_BYTES, userDataScript } from '../src/core/user-data.ts';

export interface NodeUserData {
  /** As `--store` takes it; may hold tokens. */
  readonly store: string;
  /** Default: the weftd of the image. */
  readonly install?: Install;
  /** Further options of `weftd run`, the same for all nodes. */
  readonly options?: readonly string[];
}

declare const __WEFT_VERSION__: string | undefined;
export const WEFT_VERSION = typeof __WEFT_VERSION__ === 'undefined' ? 'development' : __WEFT_VERSION__;

/**
 * A token's own text would be quoted, and so be none any more. What stands for it meanwhile is a word that needs no quotes, as do names of tables
 * and networks, which tokens become.
 */
export function nodeUserData({ store, install, options = [] }: NodeUserData): string {
  const tokens: string[] = [];
  const plain = store.replaceAll(/\$\{Token\[[^\]]*\]\}/g, (token) => `weft-token-${tokens.push(token)}-`);
  if (Token.isUnresolved(plain)) throw new Error('the store of a node holds a token that is no text');
  const unit = weftUnit({ arguments: ['--store', plain, '--cloud', 'aws', ...options] });
  const script = userDataScript({ version: WEFT_VERSION, install, unit });
  const bytes = new TextEncoder().encode(script).length;
  if (bytes > MAX_USER_DATA_BYTES)
    throw new Error(
      `user data has ${bytes} bytes, and EC2 takes ${MAX_USER_DATA_BYTES}: give fewer or shorter "options"`,
    );
  return script.replaceAll(/weft-token-(\d+)-/g, (_, number: string) => tokens[Number(number) - 1] ?? '');
}
