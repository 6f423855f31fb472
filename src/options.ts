/**
 * Every option there is, in one table: the command line, the FLANNELD_* variables, --help and docs/configuration.md come from it.
 * A member's name is the flag's in camel case: `publicIp` is `--public-ip` and `FLANNELD_PUBLIC_IP`.
 */
import type { CommandName } from './commands/command-name.ts';
import {
  absolutePath,
  address,
  duration,
  endpoint,
  httpsUrl,
  nodeId,
  oneOf,
  pattern,
  sha256,
  storeUrl,
  text,
  toggle,
  variable,
} from './commands/option-kinds.ts';
import { defaulted, many, optional, type Option } from './commands/option.ts';
import { LOG_LEVELS } from './system/pino-log.ts';

/** Commands that act as this host's daemon does. */
const AS_NODE = ['run', 'plan'] as const satisfies readonly CommandName[];
/** Of those, what may be the same on many hosts: user data writes it into the unit that runs the daemon. */
const OF_DAEMONS = [...AS_NODE, 'user-data'] as const satisfies readonly CommandName[];
/** Commands that look for the state directory, or for the daemon that runs there. */
const AT_HOST = [...AS_NODE, 'status', 'explain', 'drain', 'cleanup'] as const satisfies readonly CommandName[];
const OF_CONFIG = ['config get', 'config set', 'config check'] as const satisfies readonly CommandName[];
const OF_LEASES = [
  'lease list',
  'lease show',
  'lease reserve',
  'lease release',
] as const satisfies readonly CommandName[];

export const OPTIONS = {
  store: optional(storeUrl, {
    help: 'where leases and network config stand: dynamodb://TABLE[?network=ID] or etcd://HOST:PORT[,HOST:PORT][/PREFIX]',
    uses: [...AT_HOST, ...OF_CONFIG, ...OF_LEASES, 'user-data'],
    variable: 'WEFT_STORE',
  }),
  nodeId: optional(nodeId, {
    help: "who this host is, for ever; else what the state directory says, else this machine's id",
    uses: AS_NODE,
  }),
  stateDir: defaulted(absolutePath('DIR'), '/var/lib/weft', {
    help: 'where a daemon keeps what it must know after a restart, and its control socket',
    uses: AT_HOST,
  }),
  subnetFile: defaulted(absolutePath('FILE'), '/run/flannel/subnet.env', {
    help: "file that tells others this host's subnet and MTU",
    uses: [...AS_NODE, 'cleanup'],
    flannel: true,
  }),
  iface: many(text('NAME|IP'), {
    help: 'device towards the other hosts, by name or address; the first that is there (may be repeated)',
    uses: OF_DAEMONS,
    flannel: true,
  }),
  ifaceRegex: many(pattern, {
    help: 'the same by regular expression: addresses first, then names (may be repeated)',
    uses: OF_DAEMONS,
    flannel: true,
  }),
  ifaceCanReach: optional(address, {
    help: 'the same by the route to this address',
    uses: OF_DAEMONS,
    flannel: true,
  }),
  publicIp: optional(address, {
    help: "address that other hosts send to, when it is not the device's own",
    uses: AS_NODE,
    flannel: true,
  }),
  cloud: defaulted(oneOf('CLOUD', ['auto', 'none', 'aws', 'gce']), 'auto', {
    help: 'whose machine this host is; auto goes by its firmware, and gce is not carried by this version',
    uses: OF_DAEMONS,
  }),
  allowRenumber: defaulted(toggle, 'false', {
    help: 'take another subnet although something on this host still uses the lost one',
    uses: OF_DAEMONS,
  }),
  allowExtension: optional(toggle, {
    help: 'run the commands of Backend.Type extension, as root; without it only where the store is etcd, as flannel does',
    uses: ['run', 'user-data'],
  }),
  resync: defaulted(duration(1000, '1s'), '1m', {
    help: 'look at the whole host at least this often, +-20 %',
    uses: ['run', 'user-data'],
  }),
  healthListen: defaulted(endpoint, '127.0.0.1:8287', {
    help: 'where to answer /healthz, /readyz, /status and /metrics; off: nowhere',
    uses: ['run', 'user-data'],
  }),
  logLevel: defaulted(oneOf('LEVEL', LOG_LEVELS), 'info', {
    help: `least level of the log: ${LOG_LEVELS.join(', ')}`,
    uses: ['run', 'user-data'],
  }),
  json: defaulted(toggle, 'false', {
    help: 'print one JSON value for programs; errors too',
    uses: ['plan', 'status', 'explain', ...OF_CONFIG, 'lease list', 'lease show', 'version'],
  }),
  file: optional(text('FILE'), {
    help: 'the network config to read; - is standard input',
    uses: ['config set', 'config check'],
    letter: 'f',
  }),
  createTable: defaulted(toggle, 'false', {
    help: "make the store's table first where there is none",
    uses: ['config set'],
  }),
  ifVersion: optional(text('VERSION'), {
    help: 'write only over this version, as config get --json prints it; absent: only where no config is',
    uses: ['config set'],
  }),
  yes: defaulted(toggle, 'false', {
    help: 'do it although others are using it',
    uses: ['config set', 'lease release'],
  }),
  remove: defaulted(toggle, 'false', {
    help: 'take the reservation back',
    uses: ['lease reserve'],
  }),
  install: optional(httpsUrl(['npm']), {
    help: 'how instances get weftd: npm, or the https URL of a package made by npm pack; without it their image has it',
    uses: ['user-data'],
  }),
  sha256: optional(sha256, {
    help: 'what the package at the URL of --install must have',
    uses: ['user-data'],
  }),
  env: many(variable, {
    help: 'a variable for the daemon, like AWS_ENDPOINT_URL_DYNAMODB=URL (may be repeated)',
    uses: ['user-data'],
  }),
  all: defaulted(toggle, 'false', {
    help: 'also remove the state directory of this instance, the node id in it included',
    uses: ['cleanup'],
  }),
};

export type OptionKey = keyof typeof OPTIONS;

type ValueOf<O> = O extends Option<infer Value> ? Value : never;
export type Options = { readonly [Key in OptionKey]: ValueOf<(typeof OPTIONS)[Key]> };

export const OPTION_KEYS = Object.keys(OPTIONS) as readonly OptionKey[];

/** `publicIp` -> `public-ip`. */
export const flagOf = (key: OptionKey): string => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** `public-ip` -> `FLANNELD_PUBLIC_IP`. */
export const variableOf = (flag: string): string => `FLANNELD_${flag.toUpperCase().replaceAll('-', '_')}`;

export const optionOf = (key: OptionKey): Option<unknown> => OPTIONS[key];
