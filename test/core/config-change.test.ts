import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mergeLive } from '../../src/core/config-change.ts';
import type { NetworkConfig } from '../../src/core/network-config.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';

const config = (members: Record<string, unknown>): NetworkConfig =>
  parseNetworkConfig(JSON.stringify({ Network: '10.42.0.0/16', ...members }));
const refusedKeys = (from: NetworkConfig, to: NetworkConfig, others = 3): string[] =>
  mergeLive(from, to, others).refused.map(({ key }) => key);

describe('a changed network config', () => {
  const current = config({ Backend: { Type: 'vxlan' } });

  it('that says the same changes nothing', () => {
    const merged = mergeLive(current, config({ Backend: { Type: 'vxlan' }, SubnetLen: 24 }), 0);
    assert.deepEqual(merged, { config: current, refused: [] });
  });

  it('brings paths, probing, route writer, route tables, TTL and plaintext at once', () => {
    const next = config({
      Backend: { Type: 'vxlan' },
      Weft: {
        Paths: ['vxlan', 'udp'],
        Probe: { Interval: '2s', Hold: '8s', IdleBudget: 9 },
        RouteWriter: 'reconciler',
        AWS: { RouteTableTag: 't' },
        LeaseTTL: '1h',
        AllowPlaintext: true,
      },
    });
    assert.deepEqual(mergeLive(current, next, 3), {
      refused: [],
      config: {
        ...current,
        paths: ['vxlan', 'udp'],
        probe: { ...current.probe, intervalMs: 2000, holdMs: 8000, idleBudget: 9 },
        routeWriter: 'reconciler',
        routeTables: { ids: [], tag: 't' },
        leaseTtlMs: 3_600_000,
        allowPlaintext: true,
      },
    });
  });

  it('that turns on DirectRouting changes the paths at once', () => {
    const merged = mergeLive(current, config({ Backend: { Type: 'vxlan', DirectRouting: true } }), 3);
    assert.deepEqual(merged.config.paths, ['direct', 'vxlan']);
    assert.deepEqual(merged.refused, []);
  });

  it('keeps the old Network, lengths, VNI and ports, with a reason for each', () => {
    const next = parseNetworkConfig(
      '{"Network":"10.43.0.0/16","SubnetLen":25,"Backend":{"Type":"vxlan","VNI":9,"Port":9999},"Weft":{"UDP":{"Port":9998},"Probe":{"Port":9997}}}',
    );
    const merged = mergeLive(current, next, 3);
    assert.deepEqual(merged.config, current);
    assert.deepEqual(
      merged.refused.map(({ key }) => key),
      ['Network', 'SubnetMin', 'SubnetMax', 'VXLAN.VNI', 'VXLAN.Port', 'UDP.Port', 'Probe.Port', 'SubnetLen'],
    );
    for (const { why } of merged.refused) assert.match(why, /restarts$/);
  });

  it('says of SubnetLen that other leases stand in its way, while they do', () => {
    const why = (others: number): string =>
      mergeLive(current, config({ Backend: { Type: 'vxlan' }, SubnetLen: 25 }), others).refused.find(
        ({ key }) => key === 'SubnetLen',
      )?.why ?? '';
    assert.match(why(7), /^7 other leases still have \/24; it takes effect when they are gone/);
    assert.match(why(1), /^one other lease still has \/24/);
    assert.match(why(0), /^the lease in hand has the old one/);
  });

  it('of another Backend.Type keeps the paths of the old one, unless they are written down', () => {
    const unwritten = mergeLive(current, config({ Backend: { Type: 'host-gw' } }), 3);
    assert.deepEqual(unwritten.config, current);
    assert.deepEqual(
      unwritten.refused.map(({ key }) => key),
      ['Backend.Type'],
    );
    const written = mergeLive(current, config({ Backend: { Type: 'host-gw' }, Weft: { Paths: ['udp'] } }), 3);
    assert.deepEqual(written.config.paths, ['udp']);
    assert.deepEqual(refusedKeys(current, config({})), ['Backend.Type']);
  });

  it('of commands waits for a restart, and beside commands no path comes into force', () => {
    const running = config({ Backend: { Type: 'extension', SubnetAddCommand: 'one' } });
    const other = config({ Backend: { Type: 'extension', SubnetAddCommand: 'two' } });
    assert.deepEqual(mergeLive(running, other, 3).config, running);
    assert.deepEqual(refusedKeys(running, other), ['Backend.*Command']);
    assert.deepEqual(refusedKeys(running, running), []);
    const vxlan = config({ Backend: { Type: 'vxlan' }, Weft: { Paths: ['direct', 'vxlan'] } });
    assert.deepEqual(mergeLive(running, vxlan, 3).config.paths, []);
    assert.deepEqual(refusedKeys(running, vxlan), ['Backend.Type']);
  });

  it('keeps what containers and clouds already go by', () => {
    const next = config({
      EnableNFTables: true,
      Backend: { Type: 'vxlan', MTU: 1400 },
      Weft: { GCE: { Mode: 'routes' }, Pools: [{ Range: '10.42.0.0/18' }] },
    });
    assert.deepEqual(refusedKeys(current, next), ['Backend.MTU', 'EnableNFTables', 'GCE.Mode', 'Pools']);
  });

  it('refused once, is refused again until it is taken back', () => {
    const next = config({ Backend: { Type: 'vxlan', VNI: 2 } });
    const { config: kept } = mergeLive(current, next, 0);
    assert.deepEqual(refusedKeys(kept, next), ['VXLAN.VNI']);
    assert.deepEqual(refusedKeys(kept, current), []);
  });
});
