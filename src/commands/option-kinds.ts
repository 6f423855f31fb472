/** What the value of an option may be, how it is read, and the words for it. */
import { family, tryAddress, type Address } from '../core/address.ts';
import { tryDuration } from '../core/duration.ts';
import { goPattern } from '../core/go-pattern.ts';
import { isLifecycleHook } from '../core/lifecycle-hook.ts';
import { shownUrl } from '../core/shown-url.ts';
import { tryNodeId, type NodeId } from '../core/node-id.ts';
import { subnetOf, trySubnet, type Subnet } from '../core/subnet.ts';

export interface Kind<T> {
  /** Stands for the value in help: `--public-ip IP`. Undefined: a switch, which takes a value only behind `=`. */
  readonly placeholder: string | undefined;
  /** Completes "expected ...". */
  readonly expects: string;
  /** Undefined when the text is no such value. */
  read(text: string): T | undefined;
  /** What is wrong with a text that is none, where more can be said than what is expected. */
  why?(text: string): string | undefined;
  /** How a text is repeated where it is refused, when there may be a password in it. */
  shown?(text: string): string;
}

/** The words of Go's strconv.ParseBool, which flannel's flags take. */
const TRUE_WORDS = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE_WORDS = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

export const toggle: Kind<boolean> = {
  placeholder: undefined,
  expects: 'true or false',
  read: (text) => (TRUE_WORDS.has(text) ? true : FALSE_WORDS.has(text) ? false : undefined),
};

export function text(placeholder: string): Kind<string> {
  return { placeholder, expects: 'a text that is not empty', read: (value) => (value === '' ? undefined : value) };
}

export const anyText = (placeholder: string): Kind<string> => ({
  placeholder,
  expects: 'a text',
  read: (value) => value,
});

export const absolutePath = (placeholder: string): Kind<string> => ({
  placeholder,
  expects: 'an absolute path',
  read: (value) => (value.startsWith('/') ? value : undefined),
});

export const address: Kind<Address> = {
  placeholder: 'IP',
  expects: 'an IPv4 address like 192.0.2.7',
  read: (value) => (value.includes(':') ? undefined : tryAddress(value)),
};

/** A range, or one address for itself. */
export const addressOrSubnet: Kind<Subnet> = {
  placeholder: 'SUBNET|IP',
  expects: 'a subnet like 10.42.9.0/24, or an address in it',
  read: (value) => {
    const one = tryAddress(value);
    return one === undefined ? trySubnet(value) : subnetOf(one, family(one) === 4 ? 32 : 128);
  },
};

/** As flannel's Network is written. */
export const range: Kind<Subnet> = {
  placeholder: 'CIDR',
  expects: 'a range like 10.42.0.0/16',
  read: (value) => (value.includes(':') ? undefined : trySubnet(value)),
};

export const nodeId: Kind<NodeId> = {
  placeholder: 'ID',
  expects: '1 to 128 letters, digits, dots, dashes or underscores, the first a letter or digit',
  read: tryNodeId,
};

/** Ids of AWS are a prefix and 8 (until 2018) or 17 hexadecimal digits. */
export const awsId = (prefix: string): Kind<string> => ({
  placeholder: `${prefix.toUpperCase()}-ID`,
  expects: `an id like ${prefix}-0123456789abcdef0`,
  read: (value) => (new RegExp(`^${prefix}-(?:[0-9a-f]{8}|[0-9a-f]{17})$`).test(value) ? value : undefined),
});

export const awsRegion: Kind<string> = {
  placeholder: 'REGION',
  expects: 'a region like eu-central-1',
  read: (value) => (/^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$/.test(value) ? value : undefined),
};

/** Of an instance, at most as long as EC2 takes them: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html */
export const nodeTag: Kind<string> = {
  placeholder: 'KEY[=VALUE]|none',
  expects: 'a tag as KEY or KEY=VALUE, or none',
  read: (value) => (/^[^=\p{Cc}]{1,128}(?:=\P{Cc}{0,256})?$/u.test(value) ? value : undefined),
};

export const lifecycleHook: Kind<string> = {
  placeholder: 'NAME',
  expects: '1 to 255 letters, digits, dashes, underscores or slashes',
  read: (value) => (isLifecycleHook(value) ? value : undefined),
};

export const storeUrl: Kind<string> = {
  placeholder: 'URL',
  expects: 'a store like dynamodb://TABLE or etcd://HOST:PORT/PREFIX',
  read: (value) => (/^[a-z][a-z0-9+.-]*:\/\/./.test(value) ? value : undefined),
  shown: shownUrl,
};

export interface EtcdEndpoints {
  /** Undefined: none is written, and files for TLS decide, as with etcd's own client. */
  readonly scheme: 'http' | 'https' | undefined;
  /** `host:port` each. */
  readonly hosts: readonly string[];
}

export const etcdEndpoints: Kind<EtcdEndpoints> = {
  placeholder: 'URLS',
  expects: 'URLs like http://10.0.0.1:2379, joined by commas, all http or all https, without user, password and path',
  read: (value) => {
    const parts = value
      .split(',')
      .map((part) => /^(?:(https?):\/\/)?([^/?#@,\s]+:([0-9]{1,5}))\/?$/i.exec(part.trim()));
    const hosts = parts.flatMap((part) => (Number(part?.[3]) <= 65_535 ? [part?.[2] ?? ''] : []));
    const [scheme, ...others] = new Set(parts.map((part) => part?.[1]?.toLowerCase()));
    if (hosts.length < parts.length || others.length > 0) return undefined;
    return { scheme: scheme === 'http' || scheme === 'https' ? scheme : undefined, hosts };
  },
  shown: shownUrl,
};

/** One that this machine may have, of either family. */
export const ownAddress: Kind<Address> = {
  placeholder: 'IP',
  expects: 'an address of this host like 127.0.0.1, or 0.0.0.0',
  read: tryAddress,
  // flanneld asks a name server, and listens where it says.
  why: (text) =>
    text === 'localhost'
      ? 'names are not looked up: write 127.0.0.1 for it, or ::1'
      : /^[A-Za-z0-9.-]*[A-Za-z][A-Za-z0-9.-]*$/.test(text)
        ? 'names are not looked up: write the address that it stands for'
        : undefined,
};

export const wholeNumber = (placeholder: string, least: number, most: number): Kind<number> => ({
  placeholder,
  expects: most === Infinity ? `a whole number of at least ${least}` : `a whole number from ${least} to ${most}`,
  read: (value) => {
    const number = /^-?[0-9]{1,9}$/.test(value) ? Number(value) : Number.NaN;
    return number >= least && number <= most ? number : undefined;
  },
});

export const pattern: Kind<string> = {
  placeholder: 'REGEX',
  expects: 'a regular expression like ^eth[0-9]+$',
  read: (value) => ('expression' in goPattern(value) ? value : undefined),
  why: (value) => {
    const read = goPattern(value);
    return 'why' in read ? read.why : undefined;
  },
};

/** Of at least `leastMs`. */
export function duration(leastMs: number, least: string): Kind<number> {
  return {
    placeholder: 'DURATION',
    expects: `a duration of at least ${least}, like 90s, 5m or 1h30m`,
    read: (value) => {
      const ms = tryDuration(value);
      return ms === undefined || ms < leastMs ? undefined : ms;
    },
  };
}

export interface Endpoint {
  readonly host: Address;
  readonly port: number;
}

/** `127.0.0.1:8287`, `[::1]:8287`, or `off`. */
export const endpoint: Kind<Endpoint | 'off'> = {
  placeholder: 'IP:PORT',
  expects: 'IP:PORT like 127.0.0.1:8287, or off',
  read: (value) => {
    if (value === 'off') return 'off';
    const [, host = '', digits = ''] =
      /^(?:\[(?=.*:)([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(value)?.filter((part) => part !== undefined) ?? [];
    const ip = tryAddress(host);
    const port = Number(digits);
    return ip === undefined || port > 65_535 ? undefined : { host: ip, port };
  },
};

/** Or one of some words. Characters that mean something to a shell are left out: in a URL they may be written as %24. */
export const httpsUrl = (words: readonly string[]): Kind<string> => ({
  placeholder: [...words, 'URL'].join('|'),
  expects: [...words, 'an https URL without quotes, spaces and $'].join(', or '),
  read: (value) =>
    words.includes(value) || (/^https:\/\/[A-Za-z0-9._~:/?#@!&()*+,;=%[\]-]+$/.test(value) && URL.canParse(value))
      ? value
      : undefined,
});

export const sha256: Kind<string> = {
  placeholder: 'HEX',
  expects: '64 hexadecimal digits',
  read: (value) => (/^[0-9a-f]{64}$/i.test(value) ? value.toLowerCase() : undefined),
};

/** A variable and its value. systemd passes control characters on, but for these two, in new versions alone. */
export const variable: Kind<readonly [name: string, value: string]> = {
  placeholder: 'NAME=VALUE',
  expects: 'NAME=VALUE, the name of letters, digits and underscores, the value without control characters',
  read: (value) => {
    const [, name, text] = /^([A-Za-z_][A-Za-z0-9_]*)=((?:\P{Cc}|[\t\n])*)$/u.exec(value) ?? [];
    return name === undefined || text === undefined ? undefined : [name, text];
  },
};

export function oneOf<const Word extends string>(placeholder: string, words: readonly Word[]): Kind<Word> {
  return {
    placeholder,
    expects: `one of ${words.join(', ')}`,
    read: (value) => words.find((word) => word === value),
  };
}
