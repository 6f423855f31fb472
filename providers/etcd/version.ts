/** Versions as callers hold them: a key's mod_revision. */
import { WeftError } from '../../src/core/errors.ts';
import type { Check } from './etcd.ts';

/** What must hold of a key, as `ifVersion` says in the contracts. */
export function standsAs(key: string, ifVersion: string | 'absent' | undefined): readonly Check[] {
  if (ifVersion === undefined) return [];
  if (ifVersion === 'absent') return [{ key, is: 'absent' }];
  const modified = Number(ifVersion);
  // mod_revision 0 is etcd's word for a key that is not there.
  if (Number.isSafeInteger(modified) && modified > 0) return [{ key, modified }];
  throw new WeftError('INTERNAL', `"${ifVersion}" is no version in this store`);
}
