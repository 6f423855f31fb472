/** An etcd store, put together. Nothing is sent before the first call of a method. */
import { readFileSync } from 'node:fs';
import type { Clock } from '../../src/contracts/clock.ts';
import type { LeaseStore } from '../../src/contracts/lease-store.ts';
import type { Random } from '../../src/contracts/random.ts';
import type { Records } from '../../src/contracts/records.ts';
import { WeftError } from '../../src/core/errors.ts';
import { Connection, type TlsFiles } from './client.ts';
import { EtcdLeaseStore } from './etcd-lease-store.ts';
import { EtcdRecords } from './etcd-records.ts';
import { Etcd } from './etcd.ts';
import { Keys } from './keys.ts';
import { identityOf, parseUrl, type Location } from './url.ts';

export interface OpenOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Of the user that the URL names; else its passwordfile, else WEFT_ETCD_PASSWORD. */
  readonly password?: string;
  readonly callTimeoutMs?: number;
  readonly keepaliveMs?: number;
  readonly keepaliveTimeoutMs?: number;
}

export interface EtcdStore {
  readonly kind: 'etcd';
  /** The same for every way to write the same store. */
  readonly identity: string;
  readonly store: LeaseStore;
  readonly records: Records;
  /** After so long everybody whose watch stands has seen a change. */
  readonly seenWithinMs: number;
  /** Nothing needs to be made. */
  create(signal: AbortSignal): Promise<boolean>;
  close(): void;
}

/** etcd tells each watcher at once; this is for those who are busy. */
const SEEN_WITHIN_MS = 1000;

/** @throws WeftError BAD_OPTION for a URL that is none, and for files that cannot be read. */
export function openEtcdStore(url: string, options: OpenOptions): EtcdStore {
  const location = parseUrl(url);
  const { clock, random, password, ...limits } = options;
  const tls = tlsOf(location);
  const auth = authOf(location, password);
  const connection = new Connection({
    endpoints: location.endpoints,
    ...(tls === undefined ? {} : { tls }),
    ...(auth === undefined ? {} : { auth }),
    ...limits,
    random,
  });
  const etcd = new Etcd({ connection, keys: new Keys(location.prefix), clock, random });
  return {
    kind: 'etcd',
    identity: identityOf(location),
    store: new EtcdLeaseStore(etcd),
    records: new EtcdRecords(etcd),
    seenWithinMs: SEEN_WITHIN_MS,
    create: async () => false,
    close: () => connection.close(),
  };
}

function tlsOf({ tls, caFile, certFile, keyFile }: Location): TlsFiles | undefined {
  if (!tls) return undefined;
  return {
    ...(caFile === undefined ? {} : { ca: readOption('cafile', caFile) }),
    ...(certFile === undefined ? {} : { cert: readOption('certfile', certFile) }),
    ...(keyFile === undefined ? {} : { key: readOption('keyfile', keyFile) }),
  };
}

function authOf(
  { username, passwordFile }: Location,
  given: string | undefined,
): { username: string; password: string } | undefined {
  if (username === undefined) return undefined;
  const password =
    given ??
    (passwordFile === undefined
      ? process.env['WEFT_ETCD_PASSWORD']
      : readOption('passwordfile', passwordFile)
          .toString('utf8')
          .replace(/\r?\n$/, ''));
  if (password !== undefined) return { username, password };
  throw new WeftError('BAD_OPTION', `the store's user ${username} has no password`, {
    hint: 'give it in FLANNELD_ETCD_PASSWORD; with --store in WEFT_ETCD_PASSWORD, or by passwordfile=FILE in its URL',
  });
}

function readOption(name: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new WeftError('BAD_OPTION', `${name} ${file} cannot be read`, { cause: error });
  }
}
