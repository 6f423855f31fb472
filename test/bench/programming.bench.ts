/** Thousands of peers set in the kernel by netlink, beside ip(8) and bridge(8) reading the same from a batch file. In a network namespace of its own. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { HostScope } from '../../src/contracts/host-network.ts';
import { offset, parseAddress } from '../../src/core/address.ts';
import { diff, type Change } from '../../src/core/diff.ts';
import { HOST_ENTRIES, type HostEntry, type Route, type VxlanLink } from '../../src/core/host-entry.ts';
import { macFrom } from '../../src/core/mac.ts';
import { parseSubnet, subnetOf } from '../../src/core/subnet.ts';
import { LinuxHost } from '../../src/host/linux-host.ts';
import { enterOwnNetworkNamespace } from '../host/own-network-namespace.ts';
import { interleaved, median, report, round, timed, type Bar } from './measure.ts';

const PEERS = 5000;
const ROUNDS = 7;
const BAR = 1.2;

const NETWORK = parseSubnet('10.64.0.0/10');
const BASE = parseAddress('10.64.0.0');
const UPLINK = 'up0';
const LINK = 'weft.1';
const HOSTS = parseAddress('172.16.0.1');

const link: VxlanLink = {
  kind: 'link',
  name: LINK,
  vni: 1,
  port: 8472,
  local: HOSTS,
  uplink: UPLINK,
  mtuBytes: 1450,
  mac: macFrom('self'),
  learning: false,
  gbp: false,
  up: true,
};
const base: HostEntry = { kind: 'address', link: LINK, address: BASE, prefixLength: 32 };
const numbers = Array.from({ length: PEERS }, (_, i) => i + 1);
const subnet = (n: number) => subnetOf(offset(BASE, n * 256), 24);
const host = (n: number) => offset(HOSTS, n);

const tunnels: readonly HostEntry[] = numbers.flatMap((n): HostEntry[] => {
  const via = offset(BASE, n * 256);
  const mac = macFrom(String(n));
  return [
    { kind: 'fdb', link: LINK, mac, remote: host(n) },
    { kind: 'neighbour', link: LINK, address: via, mac },
    {
      kind: 'route',
      destination: subnet(n),
      link: LINK,
      via,
      onlink: true,
      source: BASE,
      mtuBytes: 1450,
    },
  ];
});
const directs: readonly HostEntry[] = numbers.map((n): Route => ({
  kind: 'route',
  destination: subnet(n),
  link: UPLINK,
  via: host(n),
  onlink: false,
  source: BASE,
}));

const scope: HostScope = {
  networks: [NETWORK],
  base: BASE,
  links: [LINK],
  sysctls: [],
  files: [],
  accepts: [],
};

/** The line of ip(8) or bridge(8) that sets an entry. */
function words(entry: HostEntry): string {
  switch (entry.kind) {
    case 'fdb':
      return `fdb replace ${entry.mac} dev ${entry.link} dst ${entry.remote} self permanent`;
    case 'neighbour':
      return `neighbour replace ${entry.address} lladdr ${entry.mac} dev ${entry.link} nud permanent`;
    case 'route':
      return `route replace ${entry.destination} via ${entry.via} dev ${entry.link}${entry.onlink ? ' onlink' : ''} src ${entry.source}${entry.mtuBytes === undefined ? '' : ` mtu ${entry.mtuBytes}`} proto 87`;
    default:
      throw new Error(`no words for ${entry.kind}`);
  }
}

if (process.getuid?.() === 0) await main();
else
  process.exitCode =
    spawnSync('unshare', ['-Urnm', process.execPath, import.meta.filename], { stdio: 'inherit' }).status ?? 1;

async function main(): Promise<void> {
  enterOwnNetworkNamespace();
  const ip = (...args: readonly string[]): void => void execFileSync('ip', args);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weft-bench-'));
  const file = (name: string, entries: readonly HostEntry[]): string => {
    const at = path.join(folder, name);
    writeFileSync(at, entries.map((entry) => `${words(entry)}\n`).join(''));
    return at;
  };
  const files = {
    fdb: file(
      'fdb',
      tunnels.filter(({ kind }) => kind === 'fdb'),
    ),
    tunnels: file(
      'tunnels',
      tunnels.filter(({ kind }) => kind !== 'fdb'),
    ),
    directs: file('directs', directs),
  };
  ip('link', 'add', UPLINK, 'type', 'veth', 'peer', 'name', 'up1');
  ip('address', 'add', `${HOSTS}/12`, 'dev', UPLINK);
  ip('link', 'set', UPLINK, 'up');
  ip('link', 'set', 'up1', 'up');
  const linux = new LinuxHost();
  const signal = new AbortController().signal;
  const apply = async (changes: readonly Change<HostEntry>[]): Promise<void> => {
    const failed = (await linux.apply(changes, signal)).find(({ error }) => error !== undefined);
    if (failed?.error !== undefined) throw failed.error;
  };
  const put = (entries: readonly HostEntry[]): Promise<void> => apply(diff([], entries, HOST_ENTRIES));
  /** As if nothing had been set yet. */
  const afresh = async (): Promise<void> => {
    await apply([{ op: 'remove', was: link }]);
    ip('route', 'flush', 'proto', '87');
    await put([link, base]);
  };
  const fresh = async (work: () => Promise<unknown> | void): Promise<number> => {
    await afresh();
    return timed(work);
  };
  try {
    const measured = await interleaved(ROUNDS, {
      'vxlan peers: Weft': () => fresh(() => put(tunnels)),
      'vxlan peers: ip -batch, bridge -batch': () =>
        fresh(() => {
          execFileSync('bridge', ['-batch', files.fdb]);
          ip('-batch', files.tunnels);
        }),
      'vxlan peers: observed': async () => {
        await afresh();
        await put(tunnels);
        return timed(() => linux.observe(scope, signal));
      },
      'direct peers: Weft': () => fresh(() => put(directs)),
      'direct peers: ip -batch': () => fresh(() => ip('-batch', files.directs)),
    });
    const of = (name: keyof typeof measured): number => median(measured[name]);
    const bar = (what: string, value: number, reference: number): Bar => ({
      what,
      value: value / reference,
      atMost: BAR,
      unit: ' x',
    });
    report(
      `${PEERS} peers programmed, medians of ${ROUNDS} interleaved rounds`,
      ['subject', 'ms', 'least', 'most'],
      Object.entries(measured).map(([name, values]) => [
        name,
        round(median(values)),
        round(Math.min(...values)),
        round(Math.max(...values)),
      ]),
      [
        bar('vxlan peers beside ip and bridge', of('vxlan peers: Weft'), of('vxlan peers: ip -batch, bridge -batch')),
        bar('direct peers beside ip', of('direct peers: Weft'), of('direct peers: ip -batch')),
      ],
    );
  } finally {
    linux.close();
    rmSync(folder, { recursive: true });
  }
}
