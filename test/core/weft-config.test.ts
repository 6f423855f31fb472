/** Backend's own keys, and the member `Weft`. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WeftError } from '../../src/core/errors.ts';
import type { NetworkConfig } from '../../src/core/network-config.ts';
import { parseNetworkConfig, readNetworkConfig } from '../../src/core/parse-network-config.ts';

const config = (members: Record<string, unknown>): NetworkConfig =>
  parseNetworkConfig(JSON.stringify({ Network: '10.42.0.0/16', ...members }));
const weft = (member: unknown): NetworkConfig => config({ Weft: member });

/** `CODE: message`. */
function refusal(members: Record<string, unknown>): string {
  try {
    config(members);
  } catch (error) {
    assert.ok(error instanceof WeftError && error.hint);
    return `${error.code}: ${error.message}`;
  }
  return 'accepted';
}
const weftRefusal = (member: unknown): string => refusal({ Weft: member });

describe('Backend', () => {
  it('decides on the paths when Weft.Paths does not', () => {
    const paths = (Backend: Record<string, unknown>): string => config({ Backend }).paths.join(' ');
    assert.equal(config({}).paths.join(' '), 'direct fabric vxlan udp');
    assert.equal(weft({}).paths.join(' '), 'direct fabric vxlan udp');
    assert.equal(paths({ Type: 'auto' }), 'direct fabric vxlan udp');
    assert.equal(paths({ Type: 'aws-vpc' }), 'fabric vxlan udp');
    assert.equal(paths({ Type: 'gce' }), 'fabric vxlan udp');
    assert.equal(paths({ Type: 'vxlan' }), 'vxlan');
    assert.equal(paths({ Type: 'vxlan', directrouting: true }), 'direct vxlan');
    assert.equal(paths({ Type: 'host-gw' }), 'direct');
    assert.equal(paths({ Type: 'udp' }), 'udp');
    assert.equal(paths({ Type: 'extension' }), '');
    assert.equal(paths({ Type: 'alloc' }), '');
    assert.equal(
      config({ Backend: { Type: 'vxlan' }, Weft: { Paths: ['udp', 'vxlan'] } }).paths.join(' '),
      'udp vxlan',
    );
  });

  it('of vxlan has its own keys, in any case, and Port 0 is the usual one', () => {
    const { vxlan, mtuBytes, backend } = config({
      Backend: { Type: 'vxlan', vni: 7, PORT: 4789, GBP: true, Learning: true, MTU: 1400 },
    });
    assert.deepEqual(vxlan, { vni: 7, port: 4789, gbp: true, learning: true });
    assert.equal(mtuBytes, 1400);
    assert.deepEqual(backend, { Type: 'vxlan', vni: 7, PORT: 4789, GBP: true, Learning: true, MTU: 1400 });
    assert.equal(config({ Backend: { Type: 'vxlan', Port: 0 } }).vxlan.port, 8472);
  });

  it('of udp has a port', () => {
    assert.equal(config({ Backend: { Type: 'udp', Port: 9000 } }).udpPort, 9000);
    assert.equal(config({ Backend: { Type: 'udp', Port: 9000 } }).vxlan.port, 8472);
    assert.equal(config({ Backend: { Type: 'vxlan', Port: 9000 } }).udpPort, 8285);
  });

  it("of aws-vpc has flannel's route tables, one or a list", () => {
    const ids = (RouteTableID: unknown): readonly string[] =>
      config({ Backend: { Type: 'aws-vpc', RouteTableID } }).routeTables.ids;
    assert.deepEqual(ids('rtb-1'), ['rtb-1']);
    assert.deepEqual(ids(['rtb-1', 'rtb-2']), ['rtb-1', 'rtb-2']);
    assert.deepEqual(ids(null), []);
    const wrong = (RouteTableID: unknown): string => refusal({ Backend: { Type: 'aws-vpc', RouteTableID } });
    assert.equal(wrong(5), 'CONFIG_INVALID: Unexpected RouteTableID type. Must be string or array of strings.');
    assert.equal(wrong(['rtb-1', 5]), 'CONFIG_INVALID: Unexpected type in RouteTableID slice. Must be strings.');
    assert.equal(wrong(''), 'CONFIG_INVALID: RouteTableID is empty');
  });

  it('refuses numbers that the kernel would refuse later', () => {
    const vxlan = (keys: Record<string, unknown>): string => refusal({ Backend: { Type: 'vxlan', ...keys } });
    assert.equal(vxlan({ VNI: 0 }), 'CONFIG_INVALID: Backend.VNI is 0: expected 1 to 16777215');
    assert.equal(vxlan({ VNI: 16_777_216 }), 'CONFIG_INVALID: Backend.VNI is 16777216: expected 1 to 16777215');
    assert.equal(vxlan({ VNI: 16_777_215 }), 'accepted');
    assert.equal(vxlan({ Port: 65_536 }), 'CONFIG_INVALID: Backend.Port is 65536: expected 0 to 65535');
    assert.equal(vxlan({ Port: -1 }), 'CONFIG_INVALID: Backend.Port is -1: expected 0 to 65535');
    assert.equal(vxlan({ MTU: 20 }), 'CONFIG_INVALID: Backend.MTU is 20: expected 68 to 65535');
    assert.equal(
      refusal({ Backend: { Type: 'udp', Port: 0 } }),
      'CONFIG_INVALID: Backend.Port is 0: expected 1 to 65535',
    );
    assert.match(
      vxlan({ VNI: '1' }),
      /^CONFIG_INVALID: error decoding VXLAN backend config: VNI: expected a whole number/,
    );
    assert.match(
      vxlan({ GBP: 1 }),
      /^CONFIG_INVALID: error decoding VXLAN backend config: GBP: expected true or false/,
    );
  });
});

describe('Weft', () => {
  it('is read whole', () => {
    const read = config({
      Backend: { Type: 'vxlan', VNI: 3 },
      Weft: {
        Paths: ['direct', 'fabric', 'vxlan', 'udp'],
        LeaseTTL: '1h30m',
        RouteWriter: 'reconciler',
        AllowPlaintext: true,
        AWS: { RouteTableID: ['rtb-1', 'rtb-2', 'rtb-1'] },
        GCE: { Mode: 'routes' },
        VXLAN: { VNI: 3, Port: 8472 },
        UDP: { Port: 9285 },
        Probe: { Interval: '500ms', Hold: '8s', Port: 9286, IdleBudget: 20 },
        Pools: [
          { Range: '10.42.128.0/18', GCE: { Region: 'r', Subnetwork: 's', SecondaryRange: 'pods' } },
          { Range: '10.42.64.0/18' },
        ],
      },
    });
    const { v4: _, backend: __, ...rest } = read;
    assert.deepEqual(rest, {
      enableNFTables: false,
      backendType: 'vxlan',
      backendGiven: true,
      mtuBytes: undefined,
      paths: ['direct', 'fabric', 'vxlan', 'udp'],
      vxlan: { vni: 3, port: 8472, gbp: false, learning: false },
      udpPort: 9285,
      leaseTtlMs: 5_400_000,
      routeWriter: 'reconciler',
      allowPlaintext: true,
      probe: { intervalMs: 500, holdMs: 8000, port: 9286, idleBudget: 20 },
      routeTables: { ids: ['rtb-1', 'rtb-2'], tag: undefined },
      gce: { mode: 'routes' },
      pools: [
        { range: '10.42.128.0/18', gce: { region: 'r', subnetwork: 's', secondaryRange: 'pods' } },
        { range: '10.42.64.0/18' },
      ],
    });
  });

  it('names the unknown key and the nearest known one', () => {
    assert.equal(
      weftRefusal({ Path: [] }),
      'CONFIG_UNKNOWN_KEY: unknown key "Path" under Weft; the nearest known one is "Paths"',
    );
    assert.equal(
      weftRefusal({ paths: ['vxlan'] }),
      'CONFIG_UNKNOWN_KEY: unknown key "paths" under Weft; the nearest known one is "Paths"',
    );
    assert.equal(
      weftRefusal({ Probe: { Intervall: '1s' } }),
      'CONFIG_UNKNOWN_KEY: unknown key "Intervall" under Weft.Probe; the nearest known one is "Interval"',
    );
    assert.match(weftRefusal(JSON.parse('{"__proto__": {}}')), /^CONFIG_UNKNOWN_KEY: unknown key "__proto__"/);
    assert.equal(refusal({ weft: {} }), 'CONFIG_UNKNOWN_KEY: unknown key "weft"; the nearest known one is "Weft"');
  });

  it('is an object, given once, and so is everything in it', () => {
    assert.equal(weftRefusal(null), 'CONFIG_INVALID: Weft: expected an object, found null');
    assert.equal(weftRefusal([]), 'CONFIG_INVALID: Weft: expected an object, found a list');
    assert.equal(weftRefusal({ VXLAN: 1 }), 'CONFIG_INVALID: Weft.VXLAN: expected an object, found the number 1');
    assert.throws(() => parseNetworkConfig('{"Network":"10.42.0.0/16","Weft":{},"Weft":{}}'), {
      code: 'CONFIG_INVALID',
      message: 'Weft is given twice',
    });
    assert.throws(() => parseNetworkConfig('{"Network":"10.42.0.0/16","Weft":{"UDP":{},"UDP":{}}}'), {
      message: 'Weft.UDP is given twice',
    });
  });

  it('wants paths that exist, each once, at least one', () => {
    assert.equal(weftRefusal({ Paths: [] }), 'CONFIG_INVALID: Weft.Paths is empty');
    assert.equal(weftRefusal({ Paths: ['vxlan', 'vxlan'] }), 'CONFIG_INVALID: Weft.Paths names "vxlan" twice');
    assert.equal(
      weftRefusal({ Paths: ['VXLAN'] }),
      'CONFIG_INVALID: Weft.Paths: unknown path the string "VXLAN"; known are direct, fabric, vxlan, udp',
    );
    assert.equal(
      weftRefusal({ Paths: 'vxlan' }),
      'CONFIG_INVALID: Weft.Paths: expected a list, found the string "vxlan"',
    );
    assert.equal(
      weftRefusal({ Paths: [4] }),
      'CONFIG_INVALID: Weft.Paths: unknown path the number 4; known are direct, fabric, vxlan, udp',
    );
  });

  it('wants durations with a unit, within bounds', () => {
    for (const LeaseTTL of [86_400, '86400', '1d', '1s', '721h', '-1h', '']) {
      assert.match(
        weftRefusal({ LeaseTTL }),
        /^CONFIG_INVALID: Weft\.LeaseTTL: expected a duration with its unit from "5s" to "720h", found /,
      );
    }
    assert.equal(weft({ LeaseTTL: '5s' }).leaseTtlMs, 5000);
    assert.equal(weft({ LeaseTTL: '720h' }).leaseTtlMs, 2_592_000_000);
    assert.match(
      weftRefusal({ Probe: { Interval: '1ms' } }),
      /^CONFIG_INVALID: Weft\.Probe\.Interval: expected a duration/,
    );
    assert.match(weftRefusal({ Probe: { Hold: '2h' } }), /^CONFIG_INVALID: Weft\.Probe\.Hold: expected a duration/);
  });

  it('wants numbers in their range', () => {
    for (const VNI of [0, 16_777_216, 1.5, '1'])
      assert.match(weftRefusal({ VXLAN: { VNI } }), /Weft\.VXLAN\.VNI: expected a whole number from 1 to 16777215/);
    for (const Port of [0, 65_536, -1, '8472']) {
      assert.match(weftRefusal({ VXLAN: { Port } }), /Weft\.VXLAN\.Port: expected a whole number from 1 to 65535/);
      assert.match(weftRefusal({ UDP: { Port } }), /Weft\.UDP\.Port: expected a whole number from 1 to 65535/);
      assert.match(weftRefusal({ Probe: { Port } }), /Weft\.Probe\.Port: expected a whole number from 1 to 65535/);
    }
    assert.match(weftRefusal({ Probe: { IdleBudget: 0 } }), /Weft\.Probe\.IdleBudget/);
    assert.equal(
      weftRefusal({ RouteWriter: 'lambda' }),
      'CONFIG_INVALID: Weft.RouteWriter: expected "node" or "reconciler", found the string "lambda"',
    );
    assert.match(weftRefusal({ GCE: { Mode: 'Alias' } }), /Weft\.GCE\.Mode: expected "alias" or "routes"/);
    assert.match(weftRefusal({ AllowPlaintext: 'yes' }), /Weft\.AllowPlaintext: expected true or false/);
  });

  it('names route tables by id or by tag', () => {
    assert.deepEqual(weft({ AWS: { RouteTableID: 'rtb-9' } }).routeTables, { ids: ['rtb-9'], tag: undefined });
    assert.deepEqual(weft({ AWS: { RouteTableTag: 'weft=yes' } }).routeTables, { ids: [], tag: 'weft=yes' });
    assert.match(weftRefusal({ AWS: { RouteTableID: 'rtb-9', RouteTableTag: 't' } }), /are both given/);
    for (const RouteTableID of [[], '', [''], 5, [5]])
      assert.match(weftRefusal({ AWS: { RouteTableID } }), /Weft\.AWS\.RouteTableID: expected/);
    assert.match(weftRefusal({ AWS: { RouteTableTag: '' } }), /Weft\.AWS\.RouteTableTag: expected/);
  });

  it('stands above the route tables of Backend', () => {
    const Backend = { Type: 'aws-vpc', RouteTableID: 'rtb-old' };
    assert.deepEqual(config({ Backend, Weft: { AWS: { RouteTableTag: 't' } } }).routeTables, { ids: [], tag: 't' });
    assert.deepEqual(config({ Backend, Weft: { AWS: { RouteTableID: 'rtb-new' } } }).routeTables, {
      ids: ['rtb-new'],
      tag: undefined,
    });
  });

  it('wants pools inside the Network that do not overlap', () => {
    const pools = (...ranges: unknown[]): string => weftRefusal({ Pools: ranges.map((Range) => ({ Range })) });
    assert.equal(pools('10.42.0.0/18', '10.42.64.0/18'), 'accepted');
    assert.equal(
      pools('10.43.0.0/18'),
      'CONFIG_INVALID: Weft.Pools[0].Range 10.43.0.0/18 lies outside Network 10.42.0.0/16',
    );
    assert.equal(
      pools('10.42.0.0/18', '10.42.32.0/19'),
      'CONFIG_INVALID: Weft.Pools[1].Range 10.42.32.0/19 overlaps 10.42.0.0/18',
    );
    assert.equal(
      pools('10.42.0.0/25'),
      'CONFIG_INVALID: Weft.Pools[0].Range 10.42.0.0/25 is smaller than one subnet (/24)',
    );
    assert.equal(pools('x'), 'CONFIG_INVALID: Weft.Pools[0].Range: "x" is no address range');
    assert.equal(weftRefusal({ Pools: [{}] }), 'CONFIG_INVALID: Weft.Pools[0].Range is missing');
    assert.equal(weftRefusal({ Pools: {} }), 'CONFIG_INVALID: Weft.Pools: expected a list, found an object');
    assert.equal(
      weftRefusal({ Pools: [{ Range: '10.42.0.0/18', GCE: { Region: 'r' } }] }),
      'CONFIG_INVALID: Weft.Pools[0].GCE.Subnetwork is missing',
    );
  });

  it('may not contradict what plain flanneld peers go by', () => {
    const both = (VXLAN: Record<string, unknown>): string =>
      refusal({ Backend: { Type: 'vxlan', VNI: 5 }, Weft: { VXLAN } });
    assert.equal(both({ VNI: 5, Port: 8472 }), 'accepted');
    assert.equal(both({ VNI: 6 }), 'CONFIG_INVALID: Weft.VXLAN.VNI is 6, but Backend.VNI is 5');
    assert.equal(both({ Port: 9999 }), 'CONFIG_INVALID: Weft.VXLAN.Port is 9999, but Backend.Port is 8472');
    assert.equal(
      refusal({ Backend: { Type: 'udp' }, Weft: { UDP: { Port: 1 } } }),
      'CONFIG_INVALID: Weft.UDP.Port is 1, but Backend.Port is 8285',
    );
    assert.equal(refusal({ Backend: { Type: 'host-gw' }, Weft: { VXLAN: { VNI: 6 } } }), 'accepted');
  });

  it('gives each listener a port of its own', () => {
    assert.match(weftRefusal({ UDP: { Port: 8472 } }), /both 8472: one UDP port serves one of them/);
    assert.match(weftRefusal({ Probe: { Port: 8285 } }), /both 8285/);
    assert.equal(weftRefusal({ Paths: ['direct'], UDP: { Port: 8472 } }), 'accepted');
  });

  it('has all its problems found at once, and the first one thrown', () => {
    const text = JSON.stringify({
      Network: '10.42.0.0/16',
      SubnetLen: 31,
      Backend: { Type: 'vxlan', VNI: 0 },
      Weft: { Pathes: [], LeaseTTL: 5 },
    });
    const keys = readNetworkConfig(text).problems.map(({ key }) => key);
    assert.deepEqual(keys, ['Backend.VNI', 'SubnetLen', 'Weft.Pathes', 'Weft.LeaseTTL']);
    assert.throws(() => parseNetworkConfig(text), { message: 'Backend.VNI is 0: expected 1 to 16777215' });
  });
});
