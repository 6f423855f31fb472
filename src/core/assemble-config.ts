/** One value out of both halves of the config, flannel's and ours: defaults, and what is wrong only together. */
import { defaultPaths, type BackendConfig } from './backend-config.ts';
import type { ConfigProblem } from './config-problem.ts';
import type { NetworkConfig } from './network-config.ts';
import type { WeftConfig } from './weft-config.ts';

// From specifications: IANA gave vxlan 4789, but Linux and flannel stay with 8472; flannel's udp.
const VXLAN_PORT = 8472;
const UDP_PORT = 8285;
// Ours.
const PROBE = { intervalMs: 1000, holdMs: 30_000, port: 8286, idleBudget: 50 };
const LEASE_TTL_MS = 24 * 3600 * 1000;

export function assemble(
  backend: BackendConfig,
  weft: WeftConfig,
  common: Pick<NetworkConfig, 'v4' | 'enableNFTables'>,
): NetworkConfig {
  return {
    ...common,
    backendType: backend.type,
    backendGiven: backend.given,
    backend: backend.object,
    mtuBytes: backend.mtuBytes,
    paths: weft.paths ?? defaultPaths(backend),
    vxlan: {
      vni: weft.vxlan.vni ?? backend.vni ?? 1,
      port: weft.vxlan.port ?? (backend.type === 'vxlan' ? backend.port : undefined) ?? VXLAN_PORT,
      gbp: weft.vxlan.gbp ?? backend.gbp,
      learning: weft.vxlan.learning ?? backend.learning,
    },
    ...(backend.extension === undefined ? {} : { extension: backend.extension }),
    udpPort: weft.udpPort ?? (backend.type === 'udp' ? backend.port : undefined) ?? UDP_PORT,
    leaseTtlMs: weft.leaseTtlMs ?? LEASE_TTL_MS,
    routeWriter: weft.routeWriter ?? 'node',
    allowPlaintext: weft.allowPlaintext ?? false,
    probe: {
      intervalMs: weft.probe.intervalMs ?? PROBE.intervalMs,
      holdMs: weft.probe.holdMs ?? PROBE.holdMs,
      port: weft.probe.port ?? PROBE.port,
      idleBudget: weft.probe.idleBudget ?? PROBE.idleBudget,
    },
    routeTables: {
      ids: weft.routeTableIds ?? (weft.routeTableTag === undefined ? backend.routeTableIds : []),
      tag: weft.routeTableTag,
    },
    gce: { mode: weft.gceMode ?? 'alias' },
    pools: weft.pools,
  };
}

/** What is wrong only together. One device serves plain flanneld peers and Weft peers, so both halves of the config must say the same of it. */
export function checkTogether(
  config: NetworkConfig,
  weft: WeftConfig,
  backend: BackendConfig,
  problems: ConfigProblem[],
): void {
  const differs = (key: string, given: number | boolean | undefined, other: string, usual: number | boolean): void => {
    if (given !== undefined && given !== usual) {
      problems.push({
        code: 'CONFIG_INVALID',
        key,
        message: `${key} is ${String(given)}, but ${other} is ${String(usual)}`,
        fix: `Plain flanneld peers go by Backend: remove ${key}`,
      });
    }
  };
  if (backend.type === 'vxlan') {
    differs('Weft.VXLAN.VNI', weft.vxlan.vni, 'Backend.VNI', backend.vni ?? 1);
    differs('Weft.VXLAN.Port', weft.vxlan.port, 'Backend.Port', backend.port ?? VXLAN_PORT);
    differs('Weft.VXLAN.GBP', weft.vxlan.gbp, 'Backend.GBP', backend.gbp);
    differs('Weft.VXLAN.Learning', weft.vxlan.learning, 'Backend.Learning', backend.learning);
  }
  if (backend.extension !== undefined && weft.paths !== undefined && weft.paths.length > 0) {
    problems.push({
      code: 'CONFIG_INVALID',
      key: 'Weft.Paths',
      message: 'Weft.Paths is given, but with Backend.Type extension commands reach the peers, and they alone',
      fix: 'Remove Weft.Paths, or choose another Backend.Type',
    });
  }
  if (backend.type === 'udp' && backend.given)
    differs('Weft.UDP.Port', weft.udpPort, 'Backend.Port', backend.port ?? UDP_PORT);

  const uses: (readonly [string, number])[] = [['Weft.Probe.Port', config.probe.port]];
  if (config.paths.includes('vxlan')) uses.push(['the vxlan port', config.vxlan.port]);
  if (config.paths.includes('udp')) uses.push(['the udp port', config.udpPort]);
  const seen = new Map<number, string>();
  for (const [what, port] of uses) {
    const other = seen.get(port);
    if (other === undefined) seen.set(port, what);
    else
      problems.push({
        code: 'CONFIG_INVALID',
        key: 'Weft',
        message: `${other} and ${what} are both ${port}: one UDP port serves one of them`,
        fix: 'Give each a port of its own',
      });
  }
}
