/** Two hosts on one wire, each with what a daemon makes stand there for the paths direct and vxlan. */
import { setTimeout as wait } from 'node:timers/promises';
import type { HostEntry } from '../../src/core/host-entry.ts';
import type { Lease } from '../../src/core/lease.ts';
import { macFrom } from '../../src/core/mac.ts';
import type { PathName } from '../../src/core/path.ts';
import { GRACE_MS } from '../../src/core/probe-verdict.ts';
import { baseOf } from '../../src/core/subnet.ts';
import type { Self } from '../../src/datapath/datapath.ts';
import { newProbeKey } from '../../src/host/probe-keys.ts';
import { hostBasics } from '../../src/datapath/host-basics.ts';
import { datapathsOf } from '../../src/datapath/paths.ts';
import { planPeer } from '../../src/datapath/plan.ts';
import { ip, runIn } from '../../src/lab/namespaces.ts';
import { HOSTS, NETWORK, otherOf, SUBNETS, type ProbeWorld, type Side } from '../contract/probe-world.ts';
import { lease, partsOf, selfAt, uplinkAt, vxlanAt } from '../datapath/cluster.ts';
import { ProbeHost } from './probe-host.ts';

const SIDES = ['near', 'far'] as const;
const CONFIG = { Network: NETWORK, Weft: { Paths: ['direct', 'vxlan'] } };

const leaseOf = (side: Side): Lease => lease(SUBNETS[side], HOSTS[side], { weft: vxlanAt(side) });
export const hostSelf = (side: Side): Self => selfAt(CONFIG, leaseOf(side), uplinkAt(HOSTS[side]), macFrom(side));

/** All that a daemon of this side wants on its host, but for files and the firewall. Traffic goes by `path`. */
export function wanted(side: Side, path: PathName): HostEntry[] {
  const self = hostSelf(side);
  const parts = partsOf(self);
  const choose = () => ({ path, why: '', trouble: false, refused: [] });
  const marks = { owners: new Map(), contested: false };
  const entries = hostBasics(self, datapathsOf(self.config.paths));
  planPeer({ ...parts, choose }, leaseOf(otherOf(side)), marks, entries);
  return entries.filter(({ kind }) => kind !== 'accept');
}

export interface LinuxProbeWorld extends ProbeWorld {
  readonly near: ProbeHost;
  readonly far: ProbeHost;
  readonly privateKeys: Readonly<Record<Side, string>>;
  /** The network namespaces of the two: worlds stand side by side. */
  readonly namespaces: Readonly<Record<Side, string>>;
  nft(side: Side, commands: string): Promise<void>;
}

/** What a filter in front of the receiver sees of a path from one side. */
const passing = (from: Side, path: PathName): string =>
  path === 'direct'
    ? `iifname "eth0" ip saddr ${SUBNETS[from]}`
    : `iifname "eth0" ip saddr ${HOSTS[from]} udp dport 8472`;

/** Tests of probes mostly wait for what does not come: so many have their own worlds at a time. */
export const AT_ONCE = 4;

let worlds = 0;

export async function probeHosts(path: PathName = 'vxlan'): Promise<LinuxProbeWorld> {
  worlds += 1;
  const namespaces = { near: `near${worlds}`, far: `far${worlds}` };
  await ip(SIDES.map((side) => `netns add ${namespaces[side]}`));
  const ends = [`netns ${namespaces.near} index 1000`, `netns ${namespaces.far} index 1001`];
  await ip([`link add eth0 ${ends[0]} type veth peer name eth0 ${ends[1]}`]);
  for (const side of SIDES) {
    await ip(['link set lo up', `address add ${HOSTS[side]}/24 dev eth0`, 'link set eth0 up'], namespaces[side]);
    const nft = 'table ip cuts { chain before { type filter hook prerouting priority -300; udp dport 9 drop; }; }';
    await runIn(namespaces[side], ['nft', nft]);
  }
  const privateKeys = { near: newProbeKey(), far: newProbeKey() };
  const [near, far] = await Promise.all(SIDES.map((side) => ProbeHost.start(namespaces[side], privateKeys[side])));
  if (near === undefined || far === undefined) throw new Error('no hosts');
  const hosts = { near, far };
  for (const side of SIDES) await hosts[side].put(...wanted(side, path));
  return {
    near,
    far,
    privateKeys,
    namespaces,
    async cut(from, cutPath) {
      await runIn(namespaces[otherOf(from)], [
        'nft',
        `add rule ip cuts before ${passing(from, cutPath)} drop comment "${cutPath}"`,
      ]);
    },
    async mend(from, mended) {
      const there = namespaces[otherOf(from)];
      const text = await runIn(there, ['nft', '-a', 'list', 'chain', 'ip', 'cuts', 'before']);
      for (const [, handle = ''] of text.matchAll(new RegExp(`comment "${mended}" # handle (\\d+)`, 'g')))
        await runIn(there, ['nft', 'delete', 'rule', 'ip', 'cuts', 'before', 'handle', handle]);
    },
    async traffic(from) {
      const to = baseOf(SUBNETS[otherOf(from)]).replace(/\.0$/, '.5');
      await hosts[from].packet({ from: baseOf(SUBNETS[from]), to, text: 'hello' });
    },
    async nft(side, commands) {
      await runIn(namespaces[side], ['nft', commands]);
    },
    settle: () => wait(GRACE_MS + 50),
    async close() {
      await Promise.all([near.close(), far.close()]);
      await ip(SIDES.map((side) => `netns delete ${namespaces[side]}`));
    },
  };
}
