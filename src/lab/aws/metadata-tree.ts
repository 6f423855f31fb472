/** What an instance learns of itself from its metadata server, as files in folders. */
import { sizeOf } from '../../core/subnet.ts';
import { ACCOUNT, type EmulatedAws } from './cloud.ts';
import { interfacesOf } from './interfaces.ts';
import type { Instance, NetworkInterface } from './model.ts';

/** Made when it is asked for: credentials are. */
export type Tree = { readonly [name: string]: string | (() => string) | Tree };

export function metadataOf(cloud: EmulatedAws, instance: Instance): Tree {
  const { state, region } = cloud;
  const interfaces = interfacesOf(state, instance.id);
  const [primary] = interfaces;
  const macs = Object.fromEntries(interfaces.map((it) => [it.mac, interfaceTree(cloud, it)]));
  const base: Tree = {
    'ami-id': 'ami-0000000000000000',
    'instance-id': instance.id,
    'instance-type': 'm6i.large',
    placement: { 'availability-zone': instance.zone, region },
    ...(primary === undefined
      ? {}
      : {
          hostname: hostname(cloud, primary),
          'local-hostname': hostname(cloud, primary),
          'local-ipv4': primary.address,
          mac: primary.mac,
          network: { interfaces: { macs } },
          'security-groups': groupNames(cloud, primary),
        }),
    ...(instance.role === undefined ? {} : { iam: credentialTree(cloud, instance, instance.role) }),
  };
  return {
    latest: {
      'meta-data': base,
      dynamic: { 'instance-identity': { document: identityDocument(cloud, instance, primary) } },
    },
  };
}

/** Names in journal and rules: people know an instance by its `Name`. */
export const nameOf = (cloud: EmulatedAws, instance: string): string =>
  cloud.state.tags.get(instance)?.get('Name') ?? instance;

function interfaceTree(cloud: EmulatedAws, it: NetworkInterface): Tree {
  const ranges = cloud.state.vpcs.get(it.vpc)?.ranges ?? [];
  return {
    'device-number': String(it.attachment?.device ?? 0),
    'interface-id': it.id,
    'local-hostname': hostname(cloud, it),
    'local-ipv4s': it.address,
    mac: it.mac,
    'owner-id': ACCOUNT,
    'security-group-ids': it.groups.join('\n'),
    'security-groups': groupNames(cloud, it),
    'subnet-id': it.subnet,
    'subnet-ipv4-cidr-block': cloud.state.subnets.get(it.subnet)?.range ?? '',
    'vpc-id': it.vpc,
    // The largest first, as AWS lists them.
    'vpc-ipv4-cidr-block': ranges[0] ?? '',
    'vpc-ipv4-cidr-blocks': ranges.toSorted((a, b) => Number(sizeOf(b) - sizeOf(a))).join('\n'),
  };
}

const hostname = ({ region }: EmulatedAws, it: NetworkInterface): string =>
  `ip-${it.address.replaceAll('.', '-')}.${region}.compute.internal`;

const groupNames = ({ state }: EmulatedAws, it: NetworkInterface): string =>
  it.groups.map((id) => state.groups.get(id)?.name ?? id).join('\n');

function credentialTree(cloud: EmulatedAws, instance: Instance, role: string): Tree {
  const credentials = (): string => {
    const who = nameOf(cloud, instance.id);
    const lifeMs = cloud.settings.credentialLifeMs;
    const { credential, madeAt } = cloud.credentials.ofInstance(who, role, lifeMs, instance.id);
    return JSON.stringify({
      Code: 'Success',
      LastUpdated: iso(madeAt),
      Type: 'AWS-HMAC',
      AccessKeyId: credential.id,
      SecretAccessKey: credential.secret,
      Token: credential.token,
      Expiration: iso(credential.expiresAt ?? madeAt),
    });
  };
  const info = JSON.stringify({
    Code: 'Success',
    InstanceProfileArn: `arn:aws:iam::${ACCOUNT}:instance-profile/${role}`,
  });
  return { info, 'security-credentials': { [role]: credentials } };
}

function identityDocument(cloud: EmulatedAws, instance: Instance, primary: NetworkInterface | undefined): string {
  return JSON.stringify({
    accountId: ACCOUNT,
    architecture: 'x86_64',
    availabilityZone: instance.zone,
    imageId: 'ami-0000000000000000',
    instanceId: instance.id,
    instanceType: 'm6i.large',
    privateIp: primary?.address ?? null,
    region: cloud.region,
    version: '2017-09-30',
  });
}

/** Without milliseconds, as AWS writes it. */
const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** The file at this path, or the names in the folder; undefined: neither. Doubled slashes count once: an SDK sends them. */
export function readTree(tree: Tree, path: string): string | undefined {
  let at: Tree[string] | undefined = tree;
  for (const name of path.split('/').filter((it) => it !== '')) {
    if (typeof at !== 'object' || !Object.hasOwn(at, name)) return undefined;
    at = at[name];
  }
  if (typeof at === 'function') return at();
  if (typeof at !== 'object') return at;
  return Object.entries(at)
    .map(([name, value]) => (typeof value === 'object' ? `${name}/` : name))
    .join('\n');
}
