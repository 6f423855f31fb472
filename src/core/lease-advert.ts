/** The member `Weft` of a stored lease: what a node promises to accept. `v` is the version of this form; one we do not know is left alone. */
import type { JsonObject, JsonValue } from './json.ts';
import { isJsonObject } from './json.ts';
import type { Advert, FabricIdentity, UdpEndpoint, VxlanEndpoint } from './lease.ts';
import { isUnicastMac, tryMac } from './mac.ts';
import { tryNodeId } from './node-id.ts';

const VERSION = 1;

export function advertToJson(advert: Advert): JsonObject {
  const { node, incarnation, mtuBytes, vxlan, udp, fabric, table, probe } = advert;
  return {
    v: VERSION,
    node,
    incarnation,
    mtu: mtuBytes,
    ...(vxlan === undefined ? {} : { vxlan: { vni: vxlan.vni, mac: vxlan.mac, port: vxlan.port } }),
    ...(udp === undefined ? {} : { udp: { port: udp.port } }),
    ...(fabric === undefined
      ? {}
      : {
          fabric: { provider: fabric.provider, network: fabric.network, subnet: fabric.subnet, target: fabric.target },
        }),
    ...(table === undefined ? {} : { table }),
    ...(probe === undefined ? {} : { probe: { key: probe.key, port: probe.port } }),
  };
}

export type ReadAdvert =
  | { readonly kind: 'advert'; readonly advert: Advert }
  /** Written by a Weft of another version: its node is a plain peer to us. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'malformed'; readonly why: string };

/** Names and ids of clouds: printable ASCII without spaces; GCE's are URLs. */
const TOKEN = /^[!-~]{1,512}$/;
/** 32 bytes in base64url without padding: the last of 43 characters carries four bits, its lower two are zero. */
const X25519_KEY = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

class Malformed extends Error {}

/** The value comes from whoever can write the store: each member is checked, unknown ones are passed over. */
export function advertFromJson(value: JsonValue): ReadAdvert {
  if (!isJsonObject(value)) return { kind: 'malformed', why: 'Weft is no object' };
  const version = own(value, 'v');
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1)
    return { kind: 'malformed', why: 'Weft.v is no version' };
  if (version !== VERSION) return { kind: 'unknown' };
  try {
    return { kind: 'advert', advert: readAdvert(value) };
  } catch (error) {
    if (error instanceof Malformed) return { kind: 'malformed', why: error.message };
    throw error;
  }
}

function readAdvert(value: JsonObject): Advert {
  const name = own(value, 'node');
  const node = typeof name === 'string' ? tryNodeId(name) : undefined;
  if (node === undefined) throw new Malformed('Weft.node is no node id');
  const vxlan = optional(value, 'vxlan', readVxlan);
  const udp = optional(value, 'udp', (udpValue, path): UdpEndpoint => ({ port: portOf(udpValue, path) }));
  const fabric = optional(value, 'fabric', readFabric);
  const table = own(value, 'table') === undefined ? undefined : matching(value, 'table', 'Weft', TOKEN);
  const probe = optional(value, 'probe', (probeValue, path) => ({
    key: matching(probeValue, 'key', path, X25519_KEY),
    port: portOf(probeValue, path),
  }));
  return {
    node,
    incarnation: integer(value, 'incarnation', 'Weft', 0, Number.MAX_SAFE_INTEGER),
    mtuBytes: integer(value, 'mtu', 'Weft', 68, 65_535),
    ...(vxlan === undefined ? {} : { vxlan }),
    ...(udp === undefined ? {} : { udp }),
    ...(fabric === undefined ? {} : { fabric }),
    ...(table === undefined ? {} : { table }),
    ...(probe === undefined ? {} : { probe }),
  };
}

function readVxlan(value: JsonObject, path: string): VxlanEndpoint {
  const text = own(value, 'mac');
  const mac = typeof text === 'string' ? tryMac(text) : undefined;
  if (mac === undefined || !isUnicastMac(mac)) throw new Malformed(`${path}.mac is no unicast MAC address`);
  return { vni: integer(value, 'vni', path, 1, 0xff_ffff), mac, port: portOf(value, path) };
}

function readFabric(value: JsonObject, path: string): FabricIdentity {
  return {
    provider: matching(value, 'provider', path, /^[a-z][a-z0-9-]{0,31}$/),
    network: matching(value, 'network', path, TOKEN),
    subnet: matching(value, 'subnet', path, TOKEN),
    target: matching(value, 'target', path, TOKEN),
  };
}

/** Own members alone: `__proto__` or `constructor` must not reach what every object inherits. */
const own = (value: JsonObject, key: string): JsonValue | undefined =>
  Object.hasOwn(value, key) ? value[key] : undefined;

function optional<T>(value: JsonObject, key: string, read: (value: JsonObject, path: string) => T): T | undefined {
  const inner = own(value, key);
  if (inner === undefined) return undefined;
  if (!isJsonObject(inner)) throw new Malformed(`Weft.${key} is no object`);
  return read(inner, `Weft.${key}`);
}

function integer(value: JsonObject, key: string, path: string, least: number, most: number): number {
  const number = own(value, key);
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= least && number <= most) return number;
  throw new Malformed(`${path}.${key} is no whole number from ${least} to ${most}`);
}

const portOf = (value: JsonObject, path: string): number => integer(value, 'port', path, 1, 65_535);

function matching(value: JsonObject, key: string, path: string, form: RegExp): string {
  const text = own(value, key);
  if (typeof text === 'string' && form.test(text)) return text;
  throw new Malformed(`${path}.${key} is not of the form expected`);
}
