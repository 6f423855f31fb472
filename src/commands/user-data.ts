/** The script for the first boot of a cloud's instances. Nothing is asked of the cloud or the store. */
import { WeftError } from '../core/errors.ts';
import type { Install } from '../core/user-data-install.ts';
import { weftUnit } from '../core/user-data-unit.ts';
import { MAX_USER_DATA_BYTES, userDataScript } from '../core/user-data.ts';
import { ETCD_KEYS, flagOf, OPTIONS, type Options } from '../options.ts';
import type { Action } from './command.ts';
import { isStoreNamed, namedStore } from './named-store.ts';
import { storeIdentity } from './open-store.ts';
import type { Endpoint } from './option-kinds.ts';

export const userData: Action = async ({ options, io, version }) => {
  requireCloud(options.cloud);
  requireStore(options);
  // What is wrong with it shows here, not on a hundred instances.
  const { url } = namedStore(options);
  await storeIdentity(url);
  requireShareable(options.env);
  const unit = weftUnit({
    arguments: [...storeFlags(options), '--cloud', options.cloud, ...daemonFlags(options)],
    environment: options.env,
  });
  const script = userDataScript({ version, install: installOf(options, version), unit });
  const bytes = new TextEncoder().encode(script).length;
  if (bytes > MAX_USER_DATA_BYTES)
    throw new WeftError('BAD_OPTION', `the script has ${bytes} bytes, and EC2 takes ${MAX_USER_DATA_BYTES}`, {
      hint: 'Put long values of --env into the image.',
    });
  if (lacksPassword(url))
    io.err(
      `weftd: the script names a user of etcd and no password: without one each instance ends its start\n  ${PASSWORD_FILE} Or have their image set ${options.store === undefined ? 'FLANNELD' : 'WEFT'}_ETCD_PASSWORD for the unit.\n`,
    );
  io.out(script);
  return 0;
};

function requireCloud(cloud: Options['cloud']): void {
  if (cloud === 'aws') return;
  if (cloud === 'gce')
    throw new WeftError('UNSUPPORTED', '--cloud gce is not carried by this version', {
      hint: 'Hosts there run with --cloud none and reach each other by vxlan: docs/operating.md has a unit to start from.',
    });
  throw new WeftError('BAD_OPTION', `--cloud ${cloud}: for the instances of which cloud is the script?`, {
    hint: 'Name it: --cloud aws. For hosts in no cloud, docs/operating.md has a unit to start from.',
  });
}

/** By default the daemon takes an etcd of its own machine, and hardly any of a hundred instances has one. */
function requireStore(options: Options): void {
  if (isStoreNamed(options)) return;
  throw new WeftError('BAD_OPTION', 'no store is named', {
    hint: 'Name it with --store dynamodb://TABLE, or with --etcd-endpoints http://HOST:PORT.',
  });
}

const PASSWORD_FILE =
  'Put a file into the image and name it: --store etcd://HOST:PORT?username=NAME&passwordfile=FILE.';

function lacksPassword(url: string): boolean {
  const settings = new URLSearchParams(url.slice(url.indexOf('?')));
  return url.includes('?') && settings.has('username') && !settings.has('passwordfile');
}

const CREDENTIALS = /^(AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)|(FLANNELD|WEFT)_ETCD_PASSWORD)$/;
const OWN_TO_EACH = /^FLANNELD_(NODE_ID|PUBLIC_IP)$/;

function requireShareable(environment: Options['env']): void {
  for (const [name] of environment) {
    if (CREDENTIALS.test(name))
      throw new WeftError('BAD_OPTION', `--env ${name}: no credentials in user data, which every program can read`, {
        hint: name.startsWith('AWS_') ? 'Give the instances a role (an instance profile).' : PASSWORD_FILE,
      });
    if (OWN_TO_EACH.test(name))
      throw new WeftError('BAD_OPTION', `--env ${name}: each instance has its own`, {
        hint: 'Leave it out: weftd asks the metadata server, and the device.',
      });
  }
}

function installOf({ install, sha256 }: Options, version: string): Install | undefined {
  if (install !== undefined && install !== 'npm') return { from: 'url', url: install, sha256 };
  if (sha256 !== undefined)
    throw new WeftError('BAD_OPTION', '--sha256 is of a package with a URL', {
      hint: 'Name it: --install https://...; what npm installs, npm checks.',
    });
  if (install === undefined) return undefined;
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version))
    throw new WeftError('UNSUPPORTED', `--install npm: a weftd of version ${version} is in no registry`, {
      hint: 'Run npm pack, put the package where instances can fetch it, and name it: --install https://...',
    });
  return { from: 'npm', version };
}

const flag = (name: keyof Options, value: string, byDefault?: string): readonly string[] =>
  value === byDefault ? [] : [`--${flagOf(name)}`, value];

const endpointText = (at: Endpoint | 'off'): string =>
  at === 'off' ? at : `${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`;

/** As they were given. */
function storeFlags(options: Options): readonly string[] {
  const { store, etcdEndpoints: servers } = options;
  if (store !== undefined) return flag('store', store);
  const scheme = servers?.scheme === undefined ? '' : `${servers.scheme}://`;
  const urls = servers === undefined ? [] : flag('etcdEndpoints', servers.hosts.map((host) => scheme + host).join(','));
  const others = ETCD_KEYS.flatMap((key) => {
    const value = options[key];
    return typeof value === 'string' ? flag(key, value) : [];
  });
  return [...urls, ...others];
}

/** Options of weftd run, where they are not what it does without them. */
function daemonFlags(options: Options): readonly string[] {
  const { iface, ifaceRegex, ifaceCanReach, resync, healthListen, healthzIp, logLevel } = options;
  return [
    ...iface.flatMap((one) => flag('iface', one)),
    ...ifaceRegex.flatMap((one) => flag('ifaceRegex', one)),
    ...(ifaceCanReach === undefined ? [] : flag('ifaceCanReach', ifaceCanReach)),
    ...NUMBERS.flatMap((name) => flag(name, String(options[name]), OPTIONS[name].fallback)),
    ...SWITCHES.flatMap((name) => switched(name, options[name])),
    ...flag('resync', `${resync}ms`, `${OPTIONS.resync.value([])}ms`),
    ...flag('healthListen', endpointText(healthListen), OPTIONS.healthListen.fallback),
    ...flag('healthzIp', healthzIp, OPTIONS.healthzIp.fallback),
    ...(logLevel === undefined ? [] : flag('logLevel', logLevel, OPTIONS.logLevel.fallback)),
  ];
}

const NUMBERS = ['subnetLeaseRenewMargin', 'iptablesResync', 'healthzPort'] as const;
const SWITCHES = [
  'ipMasq',
  'ipMasqFullyRandomDisable',
  'iptablesForwardRules',
  'allowRenumber',
  'allowExtension',
] as const;

/** A switch takes its value behind `=` alone. */
function switched(name: (typeof SWITCHES)[number], on: boolean | undefined): readonly string[] {
  if (on === undefined || String(on) === OPTIONS[name].fallback) return [];
  return [on ? `--${flagOf(name)}` : `--${flagOf(name)}=false`];
}
