import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import type { LedgerRow } from '../../src/core/cloud-route.ts';
import type { FabricIdentity, Lease } from '../../src/core/lease.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { CloudFacts, Self } from '../../src/datapath/datapath.ts';
import { entriesOf, entriesText, lease, peersOf, selfAt, uplinkAt, vxlanAt } from './cluster.ts';

const place = (subnet: string, target: string, more: Partial<FabricIdentity> = {}): FabricIdentity => ({
  provider: 'aws',
  network: 'vpc-1',
  subnet,
  target,
  ...more,
});
const PEER_SUBNET = parseSubnet('10.42.2.0/24');
const ROW: LedgerRow = {
  table: 'rtb-a',
  destination: PEER_SUBNET,
  target: 'eni-2',
  epoch: 5,
  node: parseNodeId('node-2'),
  state: 'committed',
  generation: 0,
};

const cloud = (changes: Partial<CloudFacts> = {}, row: Partial<LedgerRow> = {}): CloudFacts => ({
  identity: place('subnet-a', 'eni-1'),
  table: 'rtb-a',
  trouble: undefined,
  rows: new Map([[PEER_SUBNET, { ...ROW, ...row }]]),
  ...changes,
});

const peer = (fabric: FabricIdentity | null = place('subnet-b', 'eni-2'), address = '10.0.2.2'): Lease =>
  lease('10.42.2.0/24', address, {
    epoch: 5,
    weft: { ...vxlanAt('two'), mtuBytes: 9001, ...(fabric === null ? {} : { fabric }) },
  });

function self(facts: CloudFacts | undefined, gateway: string | undefined = '10.0.1.1', config = {}): Self {
  const uplink = uplinkAt('10.0.1.1', {
    mtuBytes: 9001,
    ...(gateway === undefined ? {} : { gateway: parseAddress(gateway) }),
  });
  const own = lease('10.42.1.0/24', '10.0.1.1', { weft: vxlanAt('me') });
  return {
    ...selfAt({ Network: '10.42.0.0/16', Backend: { Type: 'auto' }, ...config }, own, uplink),
    ...(facts === undefined ? {} : { cloud: facts }),
  };
}

/** The path by the list alone, and why what the list prefers is not it. */
function path(
  one: Self,
  to: Lease,
): { readonly path: string; readonly refused: Readonly<Record<string, string>>; readonly entries: string[] } {
  const [plan] = peersOf(one, [to]);
  assert.ok(plan !== undefined);
  return {
    path: plan.path,
    refused: Object.fromEntries(plan.refused.map(({ path: name, why }) => [name, why])),
    entries: entriesText(entriesOf(one, [to])),
  };
}
const why = (one: Self, to = peer()): string => path(one, to).refused['fabric'] ?? '';

describe('the fabric path', () => {
  it("is usable when my table carries the peer's route, by its interface and epoch", () => {
    const found = path(self(cloud()), peer());
    assert.equal(found.path, 'fabric');
    assert.match(found.refused['direct'] ?? '', /the peer is in cloud subnet subnet-b, this host in subnet-a/);
    const route = found.entries.find((line) => line.startsWith('route 10.42.2.0/24'));
    assert.match(route ?? found.entries.join('\n'), /10\.42\.2\.0\/24.*10\.0\.1\.1.*eth0.*10\.42\.1\.0.*9001/);
  });

  it('is not, and says why, while the route is not there, is being written, or cannot be', () => {
    assert.match(why(self(cloud({ rows: new Map() }))), /no route to 10\.42\.2\.0\/24 in rtb-a yet/);
    assert.match(why(self(cloud({}, { state: 'intent' }))), /is being written/);
    assert.equal(why(self(cloud({}, { state: 'refused', why: 'rtb-a is full' }))), 'rtb-a is full');
    assert.match(why(self(cloud({}, { epoch: 4 }))), /owner or interface before/);
    assert.match(why(self(cloud({}, { target: 'eni-9' }))), /owner or interface before/);
    assert.match(why(self(cloud({}, { epoch: 6 }))), /newer owner/);
    assert.match(why(self(cloud({ table: undefined }))), /not known yet/);
    assert.equal(why(self(cloud({ table: undefined, trouble: 'no right to look' }))), 'no right to look');
  });

  it('needs both in one network of one cloud, and a gateway', () => {
    assert.match(why(self(undefined)), /this host is in no cloud/);
    assert.match(why(self(cloud()), peer(null)), /the peer advertises no cloud/);
    assert.match(why(self(cloud()), peer(place('subnet-b', 'eni-2', { network: 'vpc-2' }))), /the peer is in vpc-2/);
    const without = self(cloud());
    const { gateway: _, ...uplink } = without.uplink;
    assert.match(why({ ...without, uplink }), /eth0 has no gateway/);
  });
});

describe('the direct path in a cloud', () => {
  it('is for peers of the same subnet, which need no route', () => {
    const found = path(self(cloud()), peer(place('subnet-a', 'eni-2'), '10.0.1.2'));
    assert.equal(found.path, 'direct');
    const listed = self(cloud(), '10.0.1.1', { Weft: { Paths: ['fabric', 'vxlan'] } });
    assert.equal(path(listed, peer(place('subnet-a', 'eni-2'), '10.0.1.2')).path, 'fabric');
  });

  it('is never between cloud and elsewhere, however the addresses look, nor on GCE', () => {
    const near = '10.0.1.2';
    assert.match(
      path(self(cloud()), peer(null, near)).refused['direct'] ?? '',
      /this host is in cloud subnet subnet-a, the peer is not/,
    );
    assert.match(
      path(self(undefined), peer(place('subnet-a', 'eni-2'), near)).refused['direct'] ?? '',
      /the peer is in cloud subnet/,
    );
    const gce = place('s', 'vm-1', { provider: 'gce' });
    assert.match(
      path(self(cloud({ identity: gce, rows: new Map() })), peer({ ...gce, target: 'vm-2' }, near)).refused['direct'] ??
        '',
      /no layer 2/,
    );
  });

  it('both keep the large packets of one network, and 1500 beyond it', () => {
    const [inside] = peersOf(self(cloud()), [peer()]);
    const [outside] = peersOf(self(cloud()), [peer(place('subnet-b', 'eni-2', { network: 'vpc-2' }))]);
    assert.deepEqual([inside?.mtuBytes, outside?.mtuBytes], [9001, 1450]);
  });
});
