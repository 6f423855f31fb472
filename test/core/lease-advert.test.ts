/** The member `Weft` of a lease's value: whoever can write the store can write anything there. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { decodeLeaseValue, encodeLeaseValue } from '../../src/core/lease-value.ts';
import type { Advert, LeaseAttributes } from '../../src/core/lease.ts';
import { macFrom } from '../../src/core/mac.ts';
import { parseNodeId } from '../../src/core/node-id.ts';

const MAC = 'ae:f2:1a:4a:99:66';

const ADVERT: Advert = {
  node: parseNodeId('i-0abc'),
  incarnation: 3,
  mtuBytes: 9001,
  vxlan: { vni: 1, mac: macFrom('a'), port: 8472 },
  udp: { port: 8285 },
  fabric: { provider: 'aws', network: 'vpc-1', subnet: 'subnet-1', target: 'eni-1' },
  table: 'rtb-1',
  probe: { key: `${'A'.repeat(42)}8`, port: 8286 },
};

describe('the member Weft of a lease', () => {
  it('stands last, in a form that is pinned', () => {
    const text = encodeLeaseValue({ publicIP: parseAddress('1.2.3.4'), weft: ADVERT });
    assert.equal(
      text,
      `{"PublicIP":"1.2.3.4","PublicIPv6":null,"Weft":{"v":1,"node":"i-0abc","incarnation":3,"mtu":9001,"vxlan":{"vni":1,"mac":"${macFrom('a')}","port":8472},"udp":{"port":8285},"fabric":{"provider":"aws","network":"vpc-1","subnet":"subnet-1","target":"eni-1"},"table":"rtb-1","probe":{"key":"${'A'.repeat(42)}8","port":8286}}}`,
    );
    assert.deepEqual(decodeLeaseValue(text), { kind: 'lease', attributes: { ...plain, weft: ADVERT } });
  });

  const withWeft = (weft: JsonValue): ReturnType<typeof decodeLeaseValue> =>
    decodeLeaseValue(JSON.stringify({ PublicIP: '1.2.3.4', Weft: weft }));
  const plain: LeaseAttributes = { publicIP: parseAddress('1.2.3.4') };

  it('of another version makes a plain peer', () => {
    assert.deepEqual(withWeft({ v: 2, node: 5 }), { kind: 'lease', attributes: plain });
  });

  it('that is malformed makes a plain peer, and says why', () => {
    const good: Record<string, JsonValue> = { v: 1, node: 'n', incarnation: 1, mtu: 1500 };
    const bad: [JsonValue, string][] = [
      [5, 'Weft is no object'],
      [[], 'Weft is no object'],
      [null, 'Weft is no object'],
      [{}, 'Weft.v is no version'],
      [{ ...good, v: '1' }, 'Weft.v is no version'],
      [{ ...good, v: 0 }, 'Weft.v is no version'],
      [{ ...good, node: '../etc' }, 'Weft.node is no node id'],
      [{ ...good, node: 'x'.repeat(129) }, 'Weft.node is no node id'],
      [{ ...good, incarnation: -1 }, 'Weft.incarnation is no whole number from 0 to 9007199254740991'],
      [{ ...good, incarnation: 1e300 }, 'Weft.incarnation is no whole number from 0 to 9007199254740991'],
      [{ ...good, mtu: 67 }, 'Weft.mtu is no whole number from 68 to 65535'],
      [{ ...good, mtu: '1500' }, 'Weft.mtu is no whole number from 68 to 65535'],
      [{ ...good, vxlan: 1 }, 'Weft.vxlan is no object'],
      [{ ...good, vxlan: { vni: 0, mac: MAC, port: 8472 } }, 'Weft.vxlan.vni is no whole number from 1 to 16777215'],
      [
        { ...good, vxlan: { vni: 1, mac: '00:00:00:00:00:00', port: 8472 } },
        'Weft.vxlan.mac is no unicast MAC address',
      ],
      [
        { ...good, vxlan: { vni: 1, mac: 'ff:ff:ff:ff:ff:ff', port: 8472 } },
        'Weft.vxlan.mac is no unicast MAC address',
      ],
      [{ ...good, vxlan: { vni: 1, mac: MAC, port: 0 } }, 'Weft.vxlan.port is no whole number from 1 to 65535'],
      [{ ...good, udp: { port: 65_536 } }, 'Weft.udp.port is no whole number from 1 to 65535'],
      [{ ...good, table: 'a b' }, 'Weft.table is not of the form expected'],
      [{ ...good, table: '' }, 'Weft.table is not of the form expected'],
      [
        { ...good, fabric: { provider: 'AWS', network: 'v', subnet: 's', target: 't' } },
        'Weft.fabric.provider is not of the form expected',
      ],
      [
        { ...good, fabric: { provider: 'aws', network: 'v', subnet: 's' } },
        'Weft.fabric.target is not of the form expected',
      ],
      [{ ...good, probe: { key: 'short', port: 1 } }, 'Weft.probe.key is not of the form expected'],
      [{ ...good, probe: { key: 'A'.repeat(42) + 'B', port: 1 } }, 'Weft.probe.key is not of the form expected'],
    ];
    for (const [weft, why] of bad)
      assert.deepEqual(withWeft(weft), { kind: 'lease', attributes: plain, ignored: why }, why);
    assert.deepEqual(withWeft({ ...good, later: { x: 1 } }), {
      kind: 'lease',
      attributes: { ...plain, weft: { node: 'n', incarnation: 1, mtuBytes: 1500 } },
    });
  });

  it('cannot reach what all objects inherit', () => {
    const value = decodeLeaseValue(
      '{"PublicIP":"1.2.3.4","__proto__":{"BackendType":"evil"},"Weft":{"__proto__":{"v":1,"node":"evil","incarnation":1,"mtu":1500}},"BackendData":{"__proto__":{"x":1}}}',
    );
    assert.ok(value.kind === 'lease');
    assert.equal(value.attributes.backendType, undefined);
    assert.equal(value.ignored, 'Weft.v is no version');
    assert.equal(Object.hasOwn(Object.prototype, 'x'), false);
    assert.equal(
      encodeLeaseValue(value.attributes),
      '{"PublicIP":"1.2.3.4","PublicIPv6":null,"BackendData":{"__proto__":{"x":1}}}',
    );
  });
});
