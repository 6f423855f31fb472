/**
 * Every option there is, in one table: the command line, the FLANNELD_* variables, --help and docs/configuration.md come from it.
 * A member's name is the flag's in camel case: `publicIp` is `--public-ip` and `FLANNELD_PUBLIC_IP`.
 */
import type { CommandName } from './commands/command-name.ts';
import {
  absolutePath,
  address,
  addressOrSubnet,
  anyText,
  duration,
  endpoint,
  etcdEndpoints,
  httpsUrl,
  nodeId,
  oneOf,
  ownAddress,
  pattern,
  sha256,
  storeUrl,
  text,
  toggle,
  variable,
  wholeNumber,
} from './commands/option-kinds.ts';
import { defaulted, many, optional, type Option } from './commands/option.ts';
import { RECONCILER_OPTIONS } from './commands/reconcile-options.ts';
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

/** Whoever needs the store itself, or its name. */
const OF_STORE = [
  ...AT_HOST,
  ...OF_CONFIG,
  ...OF_LEASES,
  'audit',
  'reconcile',
] as const satisfies readonly CommandName[];
const WITH_USER_DATA = [...OF_STORE, 'user-data'] as const satisfies readonly CommandName[];
/** What flanneld takes and nothing here goes by: a start must not fail for a flag about its log. */
const NO_EFFECT = { uses: ['run'] } as const;

export const OPTIONS = {
  store: optional(storeUrl, {
    help: 'where leases and network config stand: dynamodb://TABLE[?network=ID] or etcd://HOST:PORT[,HOST:PORT][/PREFIX]; else what the etcd options say',
    uses: WITH_USER_DATA,
    variable: 'WEFT_STORE',
  }),
  etcdEndpoints: optional(etcdEndpoints, {
    help: 'servers of etcd v3, joined by commas; one is used until it fails',
    otherwise: 'http://127.0.0.1:4001,http://127.0.0.1:2379',
    uses: WITH_USER_DATA,
    flannel: true,
  }),
  etcdPrefix: optional(text('PREFIX'), {
    help: 'where the network stands in etcd',
    otherwise: '/coreos.com/network',
    uses: WITH_USER_DATA,
    flannel: true,
  }),
  etcdCafile: optional(text('FILE'), {
    help: 'whose signature an etcd of https must show; without it those that Node.js knows',
    uses: WITH_USER_DATA,
    flannel: true,
  }),
  etcdCertfile: optional(text('FILE'), {
    help: 'the certificate that etcd is shown',
    uses: WITH_USER_DATA,
    flannel: true,
  }),
  etcdKeyfile: optional(text('FILE'), {
    help: 'the key of that certificate',
    uses: WITH_USER_DATA,
    flannel: true,
  }),
  etcdUsername: optional(text('NAME'), {
    help: 'who we are to etcd',
    uses: WITH_USER_DATA,
    flannel: true,
  }),
  etcdPassword: optional(text('PASSWORD'), {
    help: 'the password of that user; better as a variable, since others may see a command line',
    uses: OF_STORE,
    elsewhere:
      'Every program of an instance can read its user data. Put a file into the image and name it: --store etcd://HOST:PORT?username=NAME&passwordfile=FILE.',
    flannel: true,
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
    uses: [...OF_DAEMONS, 'reconcile'],
  }),
  subnetLeaseRenewMargin: defaulted(wholeNumber('MINUTES', 1, 1439), '60', {
    help: 'renew the lease at least this long before its end; a third of its life after the last time comes mostly earlier',
    uses: ['run', 'user-data'],
    flannel: true,
  }),
  ipMasq: defaulted(toggle, 'false', {
    help: 'masquerade what leaves the Network',
    uses: OF_DAEMONS,
    flannel: true,
  }),
  ipMasqFullyRandomDisable: defaulted(toggle, 'false', {
    help: 'masquerade without choosing source ports at random',
    uses: OF_DAEMONS,
    flannel: true,
  }),
  iptablesForwardRules: defaulted(toggle, 'true', {
    help: "accept the Network's forwarded packets where something would drop them",
    uses: OF_DAEMONS,
    flannel: true,
  }),
  iptablesResync: defaulted(wholeNumber('SECONDS', 1, 86_400), '5', {
    help: 'look at tables of iptables-legacy, where there are any, this often; of what changes in nftables the kernel tells at once',
    uses: ['run', 'user-data'],
    flannel: true,
  }),
  ipBlackholeRoute: defaulted(toggle, 'false', {
    help: "always so, whatever is said: packets to this host's subnet that no bridge takes are refused",
    ...NO_EFFECT,
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
  healthzIp: defaulted(ownAddress, '0.0.0.0', {
    help: 'address of the server of --healthz-port',
    uses: ['run', 'user-data'],
    flannel: true,
  }),
  healthzPort: defaulted(wholeNumber('PORT', 0, 65_535), '0', {
    help: 'where to answer /healthz and /readyz, and nothing else, to whoever asks; 0: nowhere',
    uses: ['run', 'user-data'],
    flannel: true,
  }),
  logLevel: optional(oneOf('LEVEL', LOG_LEVELS), {
    help: `least level of the log: ${LOG_LEVELS.join(', ')}`,
    otherwise: 'info',
    uses: ['run', 'user-data', 'reconcile'],
  }),
  v: defaulted(wholeNumber('LEVEL', -1000, 1000), '0', {
    help: 'above 0 the same as --log-level debug, which counts before it',
    uses: ['run'],
    flannel: true,
  }),
  logtostderr: optional(toggle, { help: 'always so', ...NO_EFFECT }),
  alsologtostderr: optional(toggle, { help: 'always so', ...NO_EFFECT }),
  stderrthreshold: optional(anyText('LEVEL'), { help: 'without effect: --log-level sets the log', ...NO_EFFECT }),
  vmodule: optional(anyText('PATTERNS'), { help: 'without effect: --log-level sets the log', ...NO_EFFECT }),
  log_backtrace_at: optional(anyText('FILE:LINE'), { help: 'without effect: --log-level sets the log', ...NO_EFFECT }),
  log_dir: optional(anyText('DIR'), { help: 'without effect: the log goes to stderr', ...NO_EFFECT }),
  json: defaulted(toggle, 'false', {
    help: 'print one JSON value for programs; errors too',
    uses: ['plan', 'status', 'explain', ...OF_CONFIG, 'lease list', 'lease show', 'audit', 'reconcile', 'version'],
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
  since: defaulted(duration(1000, '1s'), '24h', {
    help: 'how far back to look',
    uses: ['audit'],
  }),
  table: many(text('ID'), {
    help: 'only what was done to this route table (may be repeated)',
    uses: ['audit'],
  }),
  subnet: optional(addressOrSubnet, {
    help: 'only what was done to routes to this subnet, or to the one that has this address',
    uses: ['audit'],
  }),
  limit: defaulted(wholeNumber('LINES', 1, 1_000_000), '1000', {
    help: 'show so many lines at most, the newest',
    uses: ['audit'],
  }),
  ...RECONCILER_OPTIONS,
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
  handOver: defaulted(toggle, 'false', {
    help: 'leave what flanneld, which runs on this host again, uses too: its device, routes to peers, the subnet file',
    uses: ['cleanup'],
  }),
  all: defaulted(toggle, 'false', {
    help: 'also remove the state directory of this instance, the node id in it included',
    uses: ['cleanup'],
  }),
};

export type OptionKey = keyof typeof OPTIONS;

type ValueOf<O> = O extends Option<infer Value> ? Value : never;
export type Options = { readonly [Key in OptionKey]: ValueOf<(typeof OPTIONS)[Key]> };

/** Those that say what --store says. */
export const ETCD_KEYS = [
  'etcdEndpoints',
  'etcdPrefix',
  'etcdCafile',
  'etcdCertfile',
  'etcdKeyfile',
  'etcdUsername',
  'etcdPassword',
] as const satisfies readonly OptionKey[];

export const OPTION_KEYS = Object.keys(OPTIONS) as readonly OptionKey[];

/** `publicIp` -> `public-ip`. */
export const flagOf = (key: OptionKey): string => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** `public-ip` -> `FLANNELD_PUBLIC_IP`. */
export const variableOf = (flag: string): string => `FLANNELD_${flag.toUpperCase().replaceAll('-', '_')}`;

export const optionOf = (key: OptionKey): Option<unknown> => OPTIONS[key];
