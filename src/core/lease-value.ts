/** flannel's value of a lease, to the byte (pkg/lease/lease.go, type LeaseAttrs), and our member `Weft` behind it. */
import { family, parseAddress, tryAddress, type Address } from './address.ts';
import { WeftError } from './errors.ts';
import { knownName } from './json-fields.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { advertFromJson, advertToJson } from './lease-advert.ts';
import type { Advert, LeaseAttributes } from './lease.ts';
import { isUnicastMac, tryMac, type MacAddress } from './mac.ts';

/** Five times the largest that flannel's extension backend writes in practice; a DynamoDB item has 400 KiB. */
const MAX_LENGTH = 64 * 1024;
const MAX_DEPTH = 32;
const MAX_TYPE_LENGTH = 64;

/** Go's json.Marshal escapes these in every string, raw members included (encoding/json, HTMLEscape). In JSON text they stand in strings alone. */
const ESCAPES: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

const goJson = (value: JsonValue): string =>
  JSON.stringify(value).replaceAll(/[<>&\u2028\u2029]/g, (character) => ESCAPES[character] ?? character);

export function encodeLeaseValue(attributes: LeaseAttributes): string {
  const { publicIP, publicIPv6, backendType, backendData, backendV6Data, weft } = attributes;
  // One unreadable value under flannel's prefix makes every flanneld drop all its peers.
  if (family(publicIP) !== 4) throw new WeftError('INTERNAL', `PublicIP ${publicIP} of a lease is no IPv4 address`);
  const members = [`"PublicIP":"${publicIP}"`, `"PublicIPv6":${publicIPv6 === undefined ? 'null' : `"${publicIPv6}"`}`];
  if (backendType) members.push(`"BackendType":${goJson(backendType)}`);
  if (backendData !== undefined) members.push(`"BackendData":${goJson(backendData)}`);
  if (backendV6Data !== undefined) members.push(`"BackendV6Data":${goJson(backendV6Data)}`);
  if (weft !== undefined) members.push(`"Weft":${goJson(advertToJson(weft))}`);
  return `{${members.join(',')}}`;
}

export type ReadLeaseValue =
  /** `ignored`: why its member `Weft` was left out, when it is there and malformed. */
  | { readonly kind: 'lease'; readonly attributes: LeaseAttributes; readonly ignored?: string }
  | { readonly kind: 'unreadable'; readonly why: string };

/** Members in any order, missing or unknown, names in any case, as Go reads them. Whoever can write the store can write anything here. */
export function decodeLeaseValue(text: string): ReadLeaseValue {
  const unreadable = (why: string): ReadLeaseValue => ({ kind: 'unreadable', why });
  if (text.length > MAX_LENGTH)
    return unreadable(`the value has ${text.length} characters: at most ${MAX_LENGTH} are read`);
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    return unreadable('the value is not JSON');
  }
  if (!isJsonObject(value)) return unreadable('the value is no JSON object');
  if (deeper(value, MAX_DEPTH)) return unreadable(`the value is nested deeper than ${MAX_DEPTH} levels`);

  const fields = foldedMembers(value);
  // Missing is 0.0.0.0 to flannel: a lease that nobody can send to, but one that holds its subnet.
  const publicIP = fields.has('PublicIP') ? addressIn(fields.get('PublicIP'), 4) : UNKNOWN_ADDRESS;
  if (publicIP === undefined) return unreadable('PublicIP is no IPv4 address');
  const givenV6 = fields.get('PublicIPv6') ?? null;
  const publicIPv6 = givenV6 === null ? undefined : addressIn(givenV6, 6);
  if (givenV6 !== null && publicIPv6 === undefined) return unreadable('PublicIPv6 is no IPv6 address');
  const backendType = fields.get('BackendType') ?? '';
  if (typeof backendType !== 'string' || backendType.length > MAX_TYPE_LENGTH)
    return unreadable('BackendType is no short string');
  const backendData = fields.get('BackendData');
  const backendV6Data = fields.get('BackendV6Data');
  const { weft, ignored } = readWeft(value);
  const attributes: LeaseAttributes = {
    publicIP,
    ...(publicIPv6 === undefined ? {} : { publicIPv6 }),
    ...(backendType === '' ? {} : { backendType }),
    ...(backendData === undefined ? {} : { backendData }),
    ...(backendV6Data === undefined ? {} : { backendV6Data }),
    ...(weft === undefined ? {} : { weft }),
  };
  return ignored === undefined ? { kind: 'lease', attributes } : { kind: 'lease', attributes, ignored };
}

const UNKNOWN_ADDRESS = parseAddress('0.0.0.0');
const FIELDS = ['PublicIP', 'PublicIPv6', 'BackendType', 'BackendData', 'BackendV6Data'];

function foldedMembers(value: JsonObject): ReadonlyMap<string, JsonValue> {
  const fields = new Map<string, JsonValue>();
  for (const [name, member] of Object.entries(value)) {
    // Thousands of leases are read at a start, and all but a few have the usual names.
    const field = name === 'Weft' ? undefined : knownName(name, FIELDS);
    if (field !== undefined) fields.set(field, member);
  }
  return fields;
}

function addressIn(value: JsonValue | undefined, version: 4 | 6): Address | undefined {
  const address = typeof value === 'string' ? tryAddress(value) : undefined;
  return address !== undefined && family(address) === version ? address : undefined;
}

function readWeft(value: JsonObject): { weft?: Advert; ignored?: string } {
  const member = Object.hasOwn(value, 'Weft') ? value['Weft'] : undefined;
  if (member === undefined) return {};
  const read = advertFromJson(member);
  if (read.kind === 'malformed') return { ignored: read.why };
  return read.kind === 'advert' ? { weft: read.advert } : {};
}

function deeper(value: JsonValue, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner: JsonValue) => deeper(inner, levels - 1));
}

/** flannel's BackendData of vxlan. */
export const vxlanData = (vni: number, mac: MacAddress): JsonObject => ({ VNI: vni, VtepMAC: mac });

/** The VNI is missing in leases of flannel before v0.14: then it is everybody's. Undefined when this is no such data. */
export function readVxlanData(
  data: JsonValue | undefined,
): { readonly vni: number | undefined; readonly mac: MacAddress } | undefined {
  if (!isJsonObject(data)) return undefined;
  const members = new Map(Object.entries(data).map(([name, member]) => [knownName(name, ['VNI', 'VtepMAC']), member]));
  const text = members.get('VtepMAC');
  const mac = typeof text === 'string' ? tryMac(text) : undefined;
  const vni = members.get('VNI') ?? undefined;
  if (mac === undefined || !isUnicastMac(mac)) return undefined;
  if (vni === undefined) return { vni, mac };
  return typeof vni === 'number' && Number.isInteger(vni) && vni >= 1 && vni <= 0xff_ffff ? { vni, mac } : undefined;
}
