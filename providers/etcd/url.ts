/** Where a store is, as people write it: `etcd://HOST:PORT[,HOST:PORT...][/PREFIX][?cafile=F&certfile=F&keyfile=F&username=U]`. */
import { WeftError } from '../../src/core/errors.ts';
import { probablyMeant } from '../../src/core/nearest.ts';
import { shownUrl } from '../../src/core/shown-url.ts';
import { Keys } from './keys.ts';

export interface Location {
  /** `host:port` each, without doubles. */
  readonly endpoints: readonly string[];
  readonly prefix: string;
  readonly tls: boolean;
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly username: string | undefined;
  readonly passwordFile: string | undefined;
}

/** flannel's. */
export const DEFAULT_PREFIX = '/coreos.com/network';
const DEFAULT_PORT = '2379';
const KNOWN = ['prefix', 'tls', 'cafile', 'certfile', 'keyfile', 'username', 'passwordfile'];
const HOST_FORM = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])$/;

/** @throws WeftError BAD_OPTION */
export function parseUrl(text: string): Location {
  // A password that should not stand there is not to stand in a log, too.
  const shown = shownUrl(text);
  const bad = (why: string, hint = 'expected etcd://HOST:PORT[,HOST:PORT][/PREFIX][?cafile=FILE]'): WeftError =>
    new WeftError('BAD_OPTION', `store "${shown}": ${why}`, { hint });
  const match = /^etcd:\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/.exec(text);
  if (match === null) throw bad('not of the form etcd://HOST:PORT');
  if (match[1]?.includes('@'))
    throw bad(
      'a user name stands before the host',
      'give it as ?username=..., and the password by passwordfile=... or in WEFT_ETCD_PASSWORD: a URL can be seen by others',
    );
  // A password with a slash in it looks like the end of an endpoint.
  const hosts = (match[1] ?? '')
    .split(',')
    .map((part) => ({ part, said: text.includes('@') ? '...' : shownUrl(part) }));
  const endpoints = [...new Set(hosts.map(({ part, said }) => readEndpoint(part, said, bad)))];
  const inPath = decoded(match[2] ?? '');
  const given = new URLSearchParams(match[3] ?? '');
  for (const name of new Set(given.keys())) {
    const meant = probablyMeant(name, KNOWN);
    if (!KNOWN.includes(name))
      throw bad(
        `unknown setting "${name}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
        `known are ${KNOWN.join(', ')}`,
      );
    if (given.getAll(name).length > 1) throw bad(`"${name}" is given more than once`);
  }
  const setting = (name: string): string | undefined => given.get(name) || undefined;
  const ofPath = inPath === '' || inPath === '/' ? undefined : inPath;
  const prefix = setting('prefix') ?? (inPath === undefined ? undefined : (ofPath ?? DEFAULT_PREFIX));
  if (prefix === undefined || /\p{Cc}/u.test(prefix)) throw bad('the prefix has characters that no key has');
  if (setting('prefix') !== undefined && ofPath !== undefined) throw bad('there are two prefixes in it');
  const [caFile, certFile, keyFile] = [setting('cafile'), setting('certfile'), setting('keyfile')];
  if ((certFile === undefined) !== (keyFile === undefined))
    throw bad('certfile and keyfile belong together, and only one is given');
  const tls = given.get('tls') ?? undefined;
  if (tls !== undefined && tls !== 'true' && tls !== 'false') throw bad(`tls "${tls}": expected true or false`);
  const files = caFile !== undefined || certFile !== undefined;
  if (tls === 'false' && files) throw bad('tls=false, and files for TLS are given');
  const username = setting('username');
  const passwordFile = setting('passwordfile');
  if (passwordFile !== undefined && username === undefined) throw bad('passwordfile is given, and no username');
  return {
    endpoints,
    prefix: new Keys(prefix).prefix,
    tls: tls === 'true' || files,
    caFile,
    certFile,
    keyFile,
    username,
    passwordFile,
  };
}

/** The prefix alone: members come and go and are written in many ways, and whoever took the same daemon for two would set up the host twice (docs/decisions/0030). */
export const identityOf = ({ prefix }: Pick<Location, 'prefix'>): string => `etcd:${prefix}`;

function readEndpoint(part: string, said: string, bad: (why: string) => WeftError): string {
  const match = /^(.*?)(?::(\d{1,5}))?$/.exec(part);
  const host = match?.[1] ?? '';
  const port = match?.[2] ?? DEFAULT_PORT;
  if (!HOST_FORM.test(host) || Number(port) < 1 || Number(port) > 65_535)
    throw bad(`"${said}" is no endpoint: expected HOST:PORT`);
  return `${host.toLowerCase()}:${port}`;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
