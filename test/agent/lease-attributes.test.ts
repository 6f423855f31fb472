import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaseAttributes } from '../../src/agent/lease-attributes.ts';
import { vtepMac } from '../../src/agent/vtep-mac.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { encodeLeaseValue } from '../../src/core/lease-value.ts';
import { macFrom, tryMac, type MacAddress } from '../../src/core/mac.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import type { PathName } from '../../src/core/path.ts';
import { lease, uplinkAt, vxlanAt } from '../datapath/cluster.ts';

const NODE = parseNodeId('node-a');

function mac(text: string): MacAddress {
  const read = tryMac(text);
  assert.ok(read);
  return read;
}

const MAC = mac('ae:00:00:00:00:01');

const configOf = (config: JsonValue) =>
  parseNetworkConfig(JSON.stringify({ Network: '10.42.0.0/16', ...(config as object) }));

function valueOf(config: JsonValue, receives: readonly PathName[] = ['direct', 'vxlan']): string {
  const uplink = uplinkAt('192.168.0.1');
  return encodeLeaseValue(
    leaseAttributes({
      node: NODE,
      incarnation: 3,
      config: configOf(config),
      uplink,
      vtepMac: MAC,
      receives,
      probe: undefined,
    }),
  );
}

const WEFT = '"Weft":{"v":1,"node":"node-a","incarnation":3,"mtu":1500';
const ENDPOINT = '"vxlan":{"vni":1,"mac":"ae:00:00:00:00:01","port":8472}';

test('says to plain flanneld what Backend.Type asks for, and to Weft what it receives on', () => {
  const plain = '{"PublicIP":"192.168.0.1","PublicIPv6":null';
  const vxlan = `${plain},"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"ae:00:00:00:00:01"}`;
  assert.equal(valueOf({ Backend: { Type: 'vxlan' } }), `${vxlan},${WEFT},${ENDPOINT}}}`);
  assert.equal(valueOf({ Backend: { Type: 'host-gw' } }), `${plain},"BackendType":"host-gw",${WEFT}}}`);
  assert.equal(valueOf({ Weft: {} }), `${plain},${WEFT},${ENDPOINT}}}`);
  for (const Type of ['udp', 'alloc', 'aws-vpc', 'gce'])
    assert.ok(valueOf({ Backend: { Type } }).startsWith(`${plain},${WEFT}`), Type);
});

test('offers an endpoint to Weft only when its receive side stands', () => {
  assert.ok(!valueOf({ Backend: { Type: 'vxlan' } }, ['direct']).includes(ENDPOINT));
  assert.ok(!valueOf({ Backend: { Type: 'host-gw' } }, ['direct', 'vxlan']).includes('vxlan'));
});

test('the VTEP MAC is the one that peers know, else what stands, else what is remembered, else one made from the node id', () => {
  const config = configOf({ Backend: { Type: 'vxlan' } });
  const device = {
    kind: 'link',
    name: 'flannel.1',
    vni: 1,
    port: 8472,
    local: uplinkAt('192.168.0.1').address,
    uplink: 'eth0',
    mtuBytes: 1450,
    mac: mac('ae:00:00:00:00:02'),
    learning: false,
    gbp: false,
    up: true,
  } as const;
  const none = { node: NODE, config, adopted: undefined, observed: [], remembered: undefined };
  const weft = lease('10.42.1.0/24', '192.168.0.1', { weft: vxlanAt('leased') });
  const flanneld = lease('10.42.1.0/24', '192.168.0.1', {
    backend: ['vxlan', { VNI: 1, VtepMAC: 'AE:00:00:00:00:03' }],
  });
  const remembered = mac('ae:00:00:00:00:04');
  assert.equal(vtepMac({ ...none, adopted: weft, observed: [device], remembered }), macFrom('leased'));
  assert.equal(vtepMac({ ...none, adopted: flanneld, observed: [device], remembered }), 'ae:00:00:00:00:03');
  assert.equal(vtepMac({ ...none, observed: [device], remembered }), device.mac);
  assert.equal(vtepMac({ ...none, observed: [{ ...device, vni: 2 }], remembered }), remembered);
  assert.equal(vtepMac({ ...none, remembered }), remembered);
  assert.equal(vtepMac(none), macFrom('node-a vxlan 1'));
});

test('a VTEP MAC that no device can have is passed over', () => {
  const config = configOf({ Backend: { Type: 'vxlan' } });
  const multicast = lease('10.42.1.0/24', '192.168.0.1', {
    weft: { vxlan: { vni: 1, port: 8472, mac: mac('01:00:5e:00:00:01') } },
  });
  const chosen = vtepMac({
    node: NODE,
    config,
    adopted: multicast,
    observed: [],
    remembered: mac('00:00:00:00:00:00'),
  });
  assert.equal(chosen, macFrom('node-a vxlan 1'));
});
