import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '../../src/core/address.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { decodeLeaseValue, encodeLeaseValue, readVxlanData, vxlanData } from '../../src/core/lease-value.ts';
import type { LeaseAttributes } from '../../src/core/lease.ts';
import { macFrom, tryMac } from '../../src/core/mac.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { v4Address, v6Address } from './arbitraries.ts';

const MAC = 'ae:f2:1a:4a:99:66';

function read(text: string): LeaseAttributes {
  const value = decodeLeaseValue(text);
  assert.equal(value.kind, 'lease', JSON.stringify(value));
  assert.ok(value.kind === 'lease' && value.ignored === undefined, JSON.stringify(value));
  return value.attributes;
}

function unreadable(text: string): string {
  const value = decodeLeaseValue(text);
  assert.ok(value.kind === 'unreadable', text);
  return value.why;
}

/** Values as flanneld wrote them (FLANNEL.md 2.2). */
const FLANNEL: [string, LeaseAttributes][] = [
  ['{"PublicIP":"10.99.0.1","PublicIPv6":null}', { publicIP: parseAddress('10.99.0.1') }],
  [
    '{"PublicIP":"10.99.0.2","PublicIPv6":null,"BackendType":"host-gw"}',
    { publicIP: parseAddress('10.99.0.2'), backendType: 'host-gw' },
  ],
  [
    '{"PublicIP":"10.99.0.2","PublicIPv6":null,"BackendType":"ipip"}',
    { publicIP: parseAddress('10.99.0.2'), backendType: 'ipip' },
  ],
  [
    `{"PublicIP":"10.99.0.1","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"${MAC}"}}`,
    { publicIP: parseAddress('10.99.0.1'), backendType: 'vxlan', backendData: { VNI: 1, VtepMAC: MAC } },
  ],
  [
    `{"PublicIP":"10.99.0.1","PublicIPv6":"fd00::1","BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"${MAC}"},"BackendV6Data":{"VNI":1,"VtepMAC":"${MAC}"}}`,
    {
      publicIP: parseAddress('10.99.0.1'),
      publicIPv6: parseAddress('fd00::1'),
      backendType: 'vxlan',
      backendData: { VNI: 1, VtepMAC: MAC },
      backendV6Data: { VNI: 1, VtepMAC: MAC },
    },
  ],
  [
    '{"PublicIP":"10.99.0.1","PublicIPv6":null,"BackendType":"wireguard","BackendData":{"PublicKey":"AAAA+/==","Port":51820}}',
    {
      publicIP: parseAddress('10.99.0.1'),
      backendType: 'wireguard',
      backendData: { PublicKey: 'AAAA+/==', Port: 51820 },
    },
  ],
  [
    '{"PublicIP":"10.99.0.1","PublicIPv6":null,"BackendType":"extension","BackendData":"a\\n\\u003cx\\u003e\\u0026"}',
    { publicIP: parseAddress('10.99.0.1'), backendType: 'extension', backendData: 'a\n<x>&' },
  ],
];

describe('lease values', () => {
  for (const [text, attributes] of FLANNEL) {
    it(`as flannel writes them are read, and written back to the byte: ${text}`, () => {
      assert.deepEqual(read(text), attributes);
      assert.equal(encodeLeaseValue(attributes), text);
    });
  }

  it('ET-10: of flannel up to v0.14 have no PublicIPv6', () => {
    assert.deepEqual(read('{"PublicIP":"1.2.3.4"}'), { publicIP: '1.2.3.4' });
    assert.equal(encodeLeaseValue({ publicIP: parseAddress('1.2.3.4') }), '{"PublicIP":"1.2.3.4","PublicIPv6":null}');
  });

  it('escape in strings what Go escapes', () => {
    const text = encodeLeaseValue({
      publicIP: parseAddress('1.2.3.4'),
      backendType: 'a<b',
      backendData: { 'k&': ['<\u2028\u2029>', '"\\'] },
    });
    assert.equal(
      text,
      '{"PublicIP":"1.2.3.4","PublicIPv6":null,"BackendType":"a\\u003cb","BackendData":{"k\\u0026":["\\u003c\\u2028\\u2029\\u003e","\\"\\\\"]}}',
    );
  });

  it('are read in any order, with members missing, unknown or in another case', () => {
    assert.deepEqual(read('{"BackendType":"vxlan","extra":[1],"publicip":"1.2.3.4","BackendData":{"VNI":2}}'), {
      publicIP: '1.2.3.4',
      backendType: 'vxlan',
      backendData: { VNI: 2 },
    });
    assert.deepEqual(read('{}'), { publicIP: '0.0.0.0' });
    assert.deepEqual(read(' { "PublicIP" : "1.2.3.4" , "BackendType" : null , "BackendType" : "" } '), {
      publicIP: '1.2.3.4',
    });
  });

  it('ET-16: that flannel could not read are not read', () => {
    for (const PublicIP of [null, '', 5, {}, '1.2.3', '2001:db8::1', 'not-an-ip']) {
      assert.equal(unreadable(JSON.stringify({ PublicIP })), 'PublicIP is no IPv4 address');
    }
    assert.equal(unreadable('{"PublicIP":"1.2.3.4","PublicIPv6":"1.2.3.4"}'), 'PublicIPv6 is no IPv6 address');
    assert.equal(unreadable('{"PublicIP":"1.2.3.4","BackendType":7}'), 'BackendType is no short string');
    for (const text of ['', 'x', '{"PublicIP":"1.2.3.4"', '{"PublicIP":"1.2.3.4"}x'])
      assert.equal(unreadable(text), 'the value is not JSON');
    for (const text of ['null', '5', '[]', '"x"']) assert.equal(unreadable(text), 'the value is no JSON object');
  });

  it('that are huge or deep are not read', () => {
    assert.match(
      unreadable(JSON.stringify({ PublicIP: '1.2.3.4', BackendData: 'x'.repeat(70_000) })),
      /^the value has 70\d+ characters/,
    );
    assert.match(
      unreadable(`{"PublicIP":"1.2.3.4","BackendData":${'['.repeat(30_000)}${']'.repeat(30_000)}}`),
      /deeper than 32/,
    );
    assert.equal(
      unreadable(JSON.stringify({ PublicIP: '1.2.3.4', BackendType: 'x'.repeat(65) })),
      'BackendType is no short string',
    );
  });

  it('never hold a PublicIP that would poison flanneld', () => {
    assert.throws(() => encodeLeaseValue({ publicIP: parseAddress('fd00::1') }), { code: 'INTERNAL' });
  });

  it('round trip: attributes through text, and text through attributes', () => {
    const port = fc.integer({ min: 1, max: 65_535 });
    const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
      fc.option(arbitrary, { nil: undefined });
    const given = <T extends object>(record: T): T => {
      for (const key of Object.keys(record))
        if (Reflect.get(record, key) === undefined) Reflect.deleteProperty(record, key);
      return record;
    };
    const token = fc.stringMatching(/^[!-~]{1,40}$/);
    const advert = fc
      .record({
        node: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/).map(parseNodeId),
        incarnation: fc.nat(),
        mtuBytes: fc.integer({ min: 68, max: 65_535 }),
        vxlan: optional(
          fc.record({ vni: fc.integer({ min: 1, max: 0xff_ffff }), mac: fc.string().map(macFrom), port }),
        ),
        udp: optional(fc.record({ port })),
        fabric: optional(
          fc.record({ provider: fc.constantFrom('aws', 'gce'), network: token, subnet: token, target: token }),
        ),
        table: optional(token),
      })
      .map(given);
    const attributes = fc
      .record({
        publicIP: v4Address,
        publicIPv6: optional(v6Address),
        backendType: optional(fc.stringMatching(/^[a-z<>&-]{1,20}$/)),
        backendData: optional(
          fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonValue),
        ),
        weft: optional(advert),
      })
      .map(given) as fc.Arbitrary<LeaseAttributes>;
    fc.assert(
      fc.property(attributes, (value) => {
        const text = encodeLeaseValue(value);
        assert.doesNotMatch(text, /[<>&\u2028\u2029]/);
        const again = read(text);
        assert.deepEqual(JSON.stringify(again), JSON.stringify(value));
        assert.equal(encodeLeaseValue(again), text);
      }),
    );
  });

  it('no text makes the reader fail', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((json) => `{"PublicIP":"1.2.3.4","Weft":${json},"BackendData":${json}}`),
        ),
        (text) => void decodeLeaseValue(text),
      ),
    );
  });
});

describe("flannel's vxlan data", () => {
  it('is written in its order, and read in any case, with or without a VNI', () => {
    const mac = tryMac(MAC);
    assert.ok(mac);
    assert.equal(JSON.stringify(vxlanData(1, mac)), `{"VNI":1,"VtepMAC":"${MAC}"}`);
    assert.deepEqual(readVxlanData({ VNI: 5, VtepMAC: MAC.toUpperCase() }), { vni: 5, mac: MAC });
    assert.deepEqual(readVxlanData({ VtepMAC: MAC }), { vni: undefined, mac: MAC });
    assert.deepEqual(readVxlanData({ vtepmac: MAC, vni: 5, more: 1 }), { vni: 5, mac: MAC });
  });

  it('that the kernel would take for something else is not read', () => {
    for (const data of [
      undefined,
      null,
      'x',
      [],
      {},
      { VNI: 1 },
      { VtepMAC: 'x' },
      { VtepMAC: '00:00:00:00:00:00' },
      { VtepMAC: '01:00:5e:00:00:01' },
      { VNI: 0, VtepMAC: MAC },
      { VNI: 1.5, VtepMAC: MAC },
      { VNI: '1', VtepMAC: MAC },
    ]) {
      assert.equal(readVxlanData(data), undefined, JSON.stringify(data));
    }
  });
});
