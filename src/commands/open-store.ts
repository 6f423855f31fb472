/** The stores there are, by the scheme of their URLs. A provider is loaded when its store is opened, not before. */
import { WeftError } from '../core/errors.ts';
import { probablyMeant } from '../core/nearest.ts';
import type { OpenedStore, StoreSeams } from './command.ts';

interface Provider {
  /** Without loading what speaks to the store. */
  identity(url: string): Promise<string>;
  open(url: string, seams: StoreSeams): Promise<OpenedStore>;
}

const PROVIDERS: Readonly<Record<string, Provider>> = {
  dynamodb: {
    identity: async (url) => {
      const { identityOf, parseUrl } = await import('../../providers/dynamodb/url.ts');
      return identityOf(parseUrl(url));
    },
    open: async (url, seams) => (await import('../../providers/dynamodb/open-store.ts')).openDynamoStore(url, seams),
  },
};

function providerOf(url: string): Provider {
  const scheme = /^([^:]*):/.exec(url)?.[1] ?? '';
  const provider = Object.hasOwn(PROVIDERS, scheme) ? PROVIDERS[scheme] : undefined;
  if (provider !== undefined) return provider;
  const schemes = Object.keys(PROVIDERS);
  const meant = probablyMeant(scheme, schemes);
  throw new WeftError('BAD_OPTION', `--store "${url}": this version has no store "${scheme}"`, {
    hint:
      meant === undefined ? `There is ${schemes.map((name) => `${name}://`).join(', ')}.` : `Did you mean ${meant}://?`,
  });
}

/** @throws WeftError BAD_OPTION */
export const openStore = (url: string, seams: StoreSeams): Promise<OpenedStore> => providerOf(url).open(url, seams);

/** The store's name in full, the same however it was written. @throws WeftError BAD_OPTION */
export const storeIdentity = (url: string): Promise<string> => providerOf(url).identity(url);
