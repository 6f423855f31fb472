/** The stores there are, by the scheme of their URLs. A provider is loaded when its store is opened, not before. */
import { WeftError } from '../core/errors.ts';
import { probablyMeant } from '../core/nearest.ts';
import { shownUrl } from '../core/shown-url.ts';
import type { OpenedStore, StoreSeams } from './command.ts';

interface Provider {
  /** What speaks to the store: most of what a start of the daemon loads. */
  load(): Promise<(url: string, seams: StoreSeams) => OpenedStore>;
  /** Without loading that. */
  identity(url: string): Promise<string>;
}

const PROVIDERS: Readonly<Record<string, Provider>> = {
  dynamodb: {
    load: async () => (await import('../../providers/dynamodb/open-store.ts')).openDynamoStore,
    identity: async (url) => {
      const { identityOf, parseUrl } = await import('../../providers/dynamodb/url.ts');
      return identityOf(parseUrl(url));
    },
  },
  etcd: {
    load: async () => (await import('../../providers/etcd/open-store.ts')).openEtcdStore,
    identity: async (url) => {
      const { identityOf, parseUrl } = await import('../../providers/etcd/url.ts');
      return identityOf(parseUrl(url));
    },
  },
};

function providerOf(url: string): Provider {
  const scheme = /^([^:]*):/.exec(url)?.[1] ?? '';
  const provider = Object.hasOwn(PROVIDERS, scheme) ? PROVIDERS[scheme] : undefined;
  if (provider !== undefined) return provider;
  const schemes = Object.keys(PROVIDERS);
  const meant = probablyMeant(scheme, schemes);
  throw new WeftError('BAD_OPTION', `--store "${shownUrl(url)}": this version has no store "${scheme}"`, {
    hint:
      meant === undefined ? `There is ${schemes.map((name) => `${name}://`).join(', ')}.` : `Did you mean ${meant}://?`,
  });
}

/** Begins to load what `openStore` will need; whatever is wrong shows there. */
export function preloadStore(url: string): void {
  void Promise.resolve(url)
    .then(providerOf)
    .then((provider) => provider.load())
    .catch(() => undefined);
}

/** @throws WeftError BAD_OPTION */
export async function openStore(url: string, seams: StoreSeams): Promise<OpenedStore> {
  const open = await providerOf(url).load();
  return open(url, seams);
}

/** The store's name in full, the same however it was written. @throws WeftError BAD_OPTION */
export const storeIdentity = async (url: string): Promise<string> => providerOf(url).identity(url);
