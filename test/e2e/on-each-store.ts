/** Tests of what every store must give: a file's tests once on each, in a lab of its own. */
import { STORE_KINDS, type StoreKind } from '../../src/lab/store.ts';
import { enclosed } from '../lab/enclosed.ts';

/** @param url the test file's own `import.meta.url`. `define` declares its tests. */
export function onEachStore(url: string, define: (store: StoreKind) => void): void {
  for (const store of STORE_KINDS) enclosed(url, () => define(store), store);
}
