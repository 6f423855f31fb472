/** What of a changed network config a running daemon takes over, and what has to wait for its restart. */
import { defaultPaths } from './backend-config.ts';
import type { ExtensionCommands } from './extension.ts';
import type { FamilyRange, NetworkConfig } from './network-config.ts';

export interface RefusedChange {
  readonly key: string;
  readonly why: string;
}

export interface LiveConfig {
  readonly config: NetworkConfig;
  /** For findings of code CONFIG_NOT_LIVE. */
  readonly refused: readonly RefusedChange[];
}

/** A member that cannot change while the daemon runs: how to read it, and why it cannot. */
interface Fixed {
  readonly key: string;
  readonly read: (config: NetworkConfig) => string | number | boolean | undefined;
  readonly why: string;
}

const RESTART = 'takes effect when the daemon restarts';

const FIXED: readonly Fixed[] = [
  { key: 'Network', read: (config) => config.v4.network, why: `the lease in hand lies in the old one; it ${RESTART}` },
  {
    key: 'SubnetMin',
    read: (config) => config.v4.min,
    why: `the lease in hand was chosen by the old one; it ${RESTART}`,
  },
  {
    key: 'SubnetMax',
    read: (config) => config.v4.max,
    why: `the lease in hand was chosen by the old one; it ${RESTART}`,
  },
  {
    key: 'Backend.Type',
    read: (config) => `${config.backendGiven} ${config.backendType}`,
    why: `the lease tells plain flanneld peers the old one; it ${RESTART}`,
  },
  { key: 'Backend.MTU', read: (config) => config.mtuBytes, why: `containers took the old one at birth; it ${RESTART}` },
  { key: 'EnableNFTables', read: (config) => config.enableNFTables, why: `it ${RESTART}` },
  {
    key: 'VXLAN.VNI',
    read: (config) => config.vxlan.vni,
    why: `the device would be made anew and peers send to the old one; it ${RESTART}`,
  },
  {
    key: 'VXLAN.Port',
    read: (config) => config.vxlan.port,
    why: `the device would be made anew and peers send to the old one; it ${RESTART}`,
  },
  { key: 'VXLAN.GBP', read: (config) => config.vxlan.gbp, why: `the device would be made anew; it ${RESTART}` },
  {
    key: 'VXLAN.Learning',
    read: (config) => config.vxlan.learning,
    why: `the device would be made anew; it ${RESTART}`,
  },
  { key: 'UDP.Port', read: (config) => config.udpPort, why: `peers send to the old one; it ${RESTART}` },
  { key: 'Probe.Port', read: (config) => config.probe.port, why: `peers ask at the old one; it ${RESTART}` },
  { key: 'GCE.Mode', read: (config) => config.gce.mode, why: `it ${RESTART}` },
  {
    key: 'Pools',
    read: (config) => JSON.stringify(config.pools),
    why: `the lease in hand was chosen by the old ones; it ${RESTART}`,
  },
];

/** `otherLeases`: how many nodes besides this one hold a lease now. */
export function mergeLive(current: NetworkConfig, next: NetworkConfig, otherLeases: number): LiveConfig {
  const refused = FIXED.filter(({ read }) => read(current) !== read(next)).map(({ key, why }) => ({ key, why }));
  const length = subnetLengthRefusal(current.v4, next.v4, otherLeases);
  if (length !== undefined) refused.push(length);
  const { extension } = current;
  if (extension !== undefined && next.extension !== undefined && !sameCommands(extension, next.extension))
    refused.push({ key: 'Backend.*Command', why: `what the old ones have set up stands; it ${RESTART}` });
  // Paths that nobody wrote down come from Backend.Type; where that is refused, so are they.
  const typeStays = current.backendType === next.backendType && current.backendGiven === next.backendGiven;
  const unwritten = [false, true].some((directRouting) =>
    samePaths(next.paths, defaultPaths({ type: next.backendType, given: next.backendGiven, directRouting })),
  );
  const config: NetworkConfig = {
    ...current,
    // Beside commands that reach the peers no path may be put.
    paths: extension === undefined && (typeStays || !unwritten) ? next.paths : current.paths,
    leaseTtlMs: next.leaseTtlMs,
    routeWriter: next.routeWriter,
    allowPlaintext: next.allowPlaintext,
    routeTables: next.routeTables,
    probe: { ...next.probe, port: current.probe.port },
  };
  return { config, refused };
}

function subnetLengthRefusal(current: FamilyRange, next: FamilyRange, otherLeases: number): RefusedChange | undefined {
  if (current.subnetLength === next.subnetLength) return undefined;
  const others = otherLeases === 1 ? 'one other lease still has' : `${otherLeases} other leases still have`;
  const why =
    otherLeases === 0
      ? `the lease in hand has the old one; it ${RESTART}`
      : `${others} /${current.subnetLength}; it takes effect when they are gone and the daemon restarts`;
  return { key: 'SubnetLen', why };
}

const sameCommands = (a: ExtensionCommands, b: ExtensionCommands): boolean => JSON.stringify(a) === JSON.stringify(b);

const samePaths = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((path, index) => path === b[index]);
