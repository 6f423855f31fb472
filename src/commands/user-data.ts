/** The script for the first boot of a cloud's instances. Nothing is asked of the cloud or the store. */
import { WeftError } from '../core/errors.ts';
import type { Install } from '../core/user-data-install.ts';
import { weftUnit } from '../core/user-data-unit.ts';
import { MAX_USER_DATA_BYTES, userDataScript } from '../core/user-data.ts';
import { flagOf, OPTIONS, type Options } from '../options.ts';
import type { Action } from './command.ts';
import { storeIdentity } from './open-store.ts';
import type { Endpoint } from './option-kinds.ts';
import { requiredStore } from './with-store.ts';

export const userData: Action = async ({ options, io, version }) => {
  requireCloud(options.cloud);
  const store = requiredStore(options);
  // What is wrong with it shows here, not on a hundred instances.
  await storeIdentity(store);
  requireShareable(options.env);
  const unit = weftUnit({
    arguments: ['--store', store, '--cloud', options.cloud, ...daemonFlags(options)],
    environment: options.env,
  });
  const script = userDataScript({ version, install: installOf(options, version), unit });
  const bytes = new TextEncoder().encode(script).length;
  if (bytes > MAX_USER_DATA_BYTES)
    throw new WeftError('BAD_OPTION', `the script has ${bytes} bytes, and EC2 takes ${MAX_USER_DATA_BYTES}`, {
      hint: 'Put long values of --env into the image.',
    });
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

const CREDENTIALS = /^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)$/;
const OWN_TO_EACH = /^FLANNELD_(NODE_ID|PUBLIC_IP)$/;

function requireShareable(environment: Options['env']): void {
  for (const [name] of environment) {
    if (CREDENTIALS.test(name))
      throw new WeftError('BAD_OPTION', `--env ${name}: no credentials in user data, which every program can read`, {
        hint: 'Give the instances a role (an instance profile).',
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

/** Options of weftd run, where they are not what it does without them. */
function daemonFlags(options: Options): readonly string[] {
  const { iface, ifaceRegex, ifaceCanReach, allowRenumber, resync, healthListen, logLevel } = options;
  return [
    ...iface.flatMap((one) => flag('iface', one)),
    ...ifaceRegex.flatMap((one) => flag('ifaceRegex', one)),
    ...(ifaceCanReach === undefined ? [] : flag('ifaceCanReach', ifaceCanReach)),
    ...(allowRenumber ? [`--${flagOf('allowRenumber')}`] : []),
    ...flag('resync', `${resync}ms`, `${OPTIONS.resync.value([])}ms`),
    ...flag('healthListen', endpointText(healthListen), OPTIONS.healthListen.fallback),
    ...flag('logLevel', logLevel, OPTIONS.logLevel.fallback),
  ];
}
