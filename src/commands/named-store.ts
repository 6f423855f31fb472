/** The store that a command line names: by --store, else by flannel's etcd options, which have defaults. */
import { WeftError } from '../core/errors.ts';
import { ETCD_KEYS, flagOf, OPTIONS, type Options } from '../options.ts';
import { etcdEndpoints } from './option-kinds.ts';

export interface NamedStore {
  /** Without a password: it is logged, and shown to whoever asks. */
  readonly url: string;
  /** Undefined: the URL, or WEFT_ETCD_PASSWORD, says where to find it. */
  readonly password: string | undefined;
}

type Named = Pick<Options, 'store' | (typeof ETCD_KEYS)[number]>;

/** Somebody has said which: it is not the local etcd by default. */
export const isStoreNamed = (options: Named): boolean =>
  options.store !== undefined || ETCD_KEYS.some((key) => options[key] !== undefined);

/** @throws WeftError BAD_OPTION */
export function namedStore(options: Named): NamedStore {
  if (options.store !== undefined) return { url: options.store, password: undefined };
  refuseHalves(options);
  const { etcdUsername: username, etcdPassword: password } = options;
  const { scheme, hosts } = options.etcdEndpoints ?? byDefault();
  const prefix = options.etcdPrefix ?? OPTIONS.etcdPrefix.fallback;
  const files = { cafile: options.etcdCafile, certfile: options.etcdCertfile, keyfile: options.etcdKeyfile };
  // flannel takes a prefix without a slash before it, and means no other.
  const isPath = /^\/[^/]/.test(prefix);
  const settings = Object.entries({
    ...(isPath ? {} : { prefix }),
    ...(scheme === 'https' ? { tls: 'true' } : {}),
    ...files,
    username,
  }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]));
  const path = isPath ? prefix.split('/').map(encodeURIComponent).join('/') : '';
  const query = settings.length === 0 ? '' : `?${settings.join('&')}`;
  return { url: `etcd://${hosts.join(',')}${path}${query}`, password };
}

function byDefault(): NonNullable<Options['etcdEndpoints']> {
  const read = etcdEndpoints.read(OPTIONS.etcdEndpoints.fallback);
  if (read === undefined) throw new WeftError('INTERNAL', 'the default of --etcd-endpoints is none');
  return read;
}

/** What flanneld would pass over in silence, and go on in the clear or as nobody. */
function refuseHalves(options: Named): void {
  const isGiven = (key: (typeof ETCD_KEYS)[number]): boolean => options[key] !== undefined;
  const lacks = (one: (typeof ETCD_KEYS)[number], other: (typeof ETCD_KEYS)[number]): void => {
    if (isGiven(one) && !isGiven(other))
      throw new WeftError('BAD_OPTION', `--${flagOf(one)} is given, and no --${flagOf(other)}`);
  };
  lacks('etcdCertfile', 'etcdKeyfile');
  lacks('etcdKeyfile', 'etcdCertfile');
  lacks('etcdPassword', 'etcdUsername');
  const file = (['etcdCafile', 'etcdCertfile'] as const).find(isGiven);
  const scheme = options.etcdEndpoints === undefined ? 'http' : options.etcdEndpoints.scheme;
  if (file !== undefined && scheme === 'http')
    throw new WeftError('BAD_OPTION', `--${flagOf(file)} is given, and the endpoints are http, without TLS`, {
      hint: 'Write them with https in --etcd-endpoints, or leave the file out.',
    });
}
