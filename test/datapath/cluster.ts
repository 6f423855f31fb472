/** Small clusters as values, for plans as text. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAddress } from '../../src/core/address.ts';
import { describeHostEntry, type HostEntry } from '../../src/core/host-entry.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import { encodeLeaseValue, decodeLeaseValue } from '../../src/core/lease-value.ts';
import type { Advert, Lease } from '../../src/core/lease.ts';
import { macFrom, type MacAddress } from '../../src/core/mac.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { baseOf, parseSubnet } from '../../src/core/subnet.ts';
import type { Uplink } from '../../src/core/uplink.ts';
import type { Self } from '../../src/datapath/datapath.ts';
import { hostBasics } from '../../src/datapath/host-basics.ts';
import { planPeers, type PeerPlan, type PlanParts } from '../../src/datapath/plan.ts';
import { datapathsOf } from '../../src/datapath/paths.ts';
import { chooseFirst } from './choose-first.ts';

export function uplinkAt(address: string, changes: Partial<Uplink> = {}): Uplink {
  const own = parseAddress(address);
  return {
    link: 'eth0',
    address: own,
    publicIP: own,
    mtuBytes: 1500,
    mac: undefined,
    onLink: [parseSubnet(`${address}/24`)],
    ...changes,
  };
}

/** A lease as it comes out of a store: what cannot be stored cannot be here. */
export function lease(
  subnet: string,
  publicIP: string,
  more: { backend?: readonly [string, JsonValue?]; weft?: Partial<Advert>; epoch?: number } = {},
): Lease {
  const v4 = parseSubnet(subnet);
  const { backend, weft, epoch = 1 } = more;
  const [backendType, backendData] = backend ?? [];
  const text = encodeLeaseValue({
    publicIP: parseAddress(publicIP),
    ...(backendType === undefined ? {} : { backendType }),
    ...(backendData === undefined ? {} : { backendData }),
    ...(weft === undefined
      ? {}
      : { weft: { node: parseNodeId(`node-${publicIP}`), incarnation: 1, mtuBytes: 1500, ...weft } }),
  });
  const read = decodeLeaseValue(text);
  assert.equal(read.kind, 'lease', text);
  return { key: leaseKeyOf({ v4 }), subnet: { v4 }, attributes: read.attributes, epoch, version: `${epoch}` };
}

export const vxlanAt = (name: string, vni = 1, port = 8472): Pick<Advert, 'vxlan'> => ({
  vxlan: { vni, port, mac: macFrom(name) },
});

export function selfAt(config: JsonValue, own: Lease, uplink: Uplink, vtepMac: MacAddress = macFrom('me')): Self {
  return {
    lease: own,
    base: baseOf(own.subnet.v4),
    config: parseNetworkConfig(JSON.stringify(config)),
    uplink,
    vtepMac,
    firewall: { instance: '00000001', masquerade: 'off', acceptForwarded: true },
  };
}

export const partsOf = (self: Self): PlanParts => ({
  self,
  paths: datapathsOf(self.config.paths),
  choose: chooseFirst,
  standing: new Map(),
});

export const peersOf = (self: Self, leases: readonly Lease[]): PeerPlan[] => [
  ...planPeers(partsOf(self), leases).peers.values(),
];

export const entriesOf = (self: Self, leases: readonly Lease[]): readonly HostEntry[] =>
  planPeers(partsOf(self), leases).entries;

export const entriesText = (entries: readonly HostEntry[]): string[] => entries.map(describeHostEntry).toSorted();

const inWords = ({ peer, path, mtuBytes, refused }: PeerPlan): string =>
  `${peer.subnet.v4} at ${peer.attributes.publicIP}: ${path}${mtuBytes === undefined ? '' : ` mtu ${mtuBytes}`}${refused.map((one) => `\n  not ${one.path}: ${one.why}`).join('')}`;

/** Each peer with its path and the reasons, then what must stand, sorted. */
export function planText(self: Self, leases: readonly Lease[]): string {
  const peers = peersOf(self, leases).map(inWords).toSorted();
  const basics = hostBasics(self, datapathsOf(self.config.paths));
  const entries = entriesText([...basics, ...entriesOf(self, leases)]);
  return `${['# peers', ...peers, '', '# this host', ...entries].join('\n')}\n`;
}

/** Compares with test/golden/NAME.txt, from the project's root; WEFT_GOLDEN=write writes it. */
export async function assertGolden(name: string, text: string): Promise<void> {
  const file = path.resolve('test/golden', `${name}.txt`);
  if (process.env['WEFT_GOLDEN'] === 'write') await writeFile(file, text);
  assert.equal(text, await readFile(file, 'utf8'));
}
