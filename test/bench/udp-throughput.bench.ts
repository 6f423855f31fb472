/**
 * What each tunnel carries beside plain routes, container to container in one VPC: weftd's vxlan, which is the kernel's, and weftd's udp, which is a thread of the daemon. By
 * the clock on the wall, since the work of udp is done by neither end of a flow; slices of both pairs of hosts take turns, so that what else the machine does meets both alike.
 * It tells, and holds to nothing: the bar of the user-space tunnel is another benchmark's.
 */
import type { PathName } from '../../src/core/path.ts';
import { LAB_FOLDER } from '../../src/lab/inside.ts';
import { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { bundle } from '../lab/enclosed.ts';
import { insideLab } from './inside-lab.ts';
import { busyMs, Flow, type Kind } from './iperf-flow.ts';
import { median, report, round } from './measure.ts';
import { NETWORK, routeByHand, throughputTopology, VPC_MTU, type Ends } from './throughput-world.ts';

const ROUNDS = 60;
const KINDS = ['stream', 'packets'] as const;
const PATHS = ['vxlan', 'udp'] as const;
const PORTS: Readonly<Record<Kind, number>> = { stream: 5201, packets: 5202 };
const IN_UNITS: Readonly<Record<Kind, (perMs: number) => string>> = {
  stream: (bytes) => `${round((bytes * 8) / 1e6)} Gbit/s`,
  packets: (packets) => `${round(packets)} kp/s`,
};
const WORDS: Readonly<Record<Kind, string>> = { stream: 'one TCP stream', packets: 'packets of 64 bytes' };

const never = new AbortController().signal;

interface Measured {
  readonly plain: number;
  readonly tunnel: number;
  /** Of a core, while the tunnel carries: both daemons. */
  readonly daemons: number;
}

await insideLab(import.meta.url, async () => {
  const lab = await Lab.start(throughputTopology, { executable: bundle(), folder: LAB_FOLDER }, never);
  const hosts = [lab.host('a1'), lab.host('b1')] as const;
  await lab.writeConfig({ Network: NETWORK, Weft: { Paths: [...PATHS] } });
  await startHosts(hosts, hosts, never);
  const plain = await routeByHand(lab);
  const measured = new Map<string, Measured>();
  for (const path of PATHS) {
    await lab.writeConfig({ Network: NETWORK, Weft: { Paths: [path] } });
    await Promise.all(hosts.map((host) => isOn(host, path)));
    for (const kind of KINDS)
      measured.set(`${path} ${kind}`, await compare(lab, hosts, kind, plain, [hosts[0].container, hosts[1].container]));
    await Promise.all(hosts.map((host) => isOn(host, path)));
  }
  await lab.close();
  const rows = KINDS.flatMap((kind) => {
    const [vxlan, udp] = PATHS.map((path) => measured.get(`${path} ${kind}`));
    if (vxlan === undefined || udp === undefined) throw new Error(`no figures of ${kind}`);
    const ratio = ({ plain: by, tunnel }: Measured): number => tunnel / by;
    return [
      [WORDS[kind], 'no overlay', IN_UNITS[kind](median([vxlan.plain, udp.plain])), '1.00', '', ''],
      ['', 'vxlan', IN_UNITS[kind](vxlan.tunnel), ratio(vxlan).toFixed(2), '1.00', vxlan.daemons.toFixed(2)],
      [
        '',
        'udp',
        IN_UNITS[kind](udp.tunnel),
        ratio(udp).toFixed(3),
        (ratio(udp) / ratio(vxlan)).toFixed(3),
        udp.daemons.toFixed(2),
      ],
    ];
  });
  const title = `Tunnels beside plain routes, MTU ${VPC_MTU}, medians of ${ROUNDS} slices`;
  report(title, ['', '', 'carried', 'to no overlay', 'to vxlan', 'daemons, cores'], rows, []);
});

async function compare(lab: Lab, hosts: readonly LabHost[], kind: Kind, plain: Ends, tunnel: Ends): Promise<Measured> {
  const flows = {
    plain: await Flow.open(lab, kind, ...plain, PORTS[kind]),
    tunnel: await Flow.open(lab, kind, ...tunnel, PORTS[kind]),
  };
  const rates = { plain: [] as number[], tunnel: [] as number[], daemons: [] as number[] };
  for (let count = 0; count < ROUNDS; count++) {
    const { moved, ms } = await flows.plain.slice();
    rates.plain.push(moved / ms);
    const before = daemonsMs(hosts);
    const slice = await flows.tunnel.slice();
    rates.tunnel.push(slice.moved / slice.ms);
    rates.daemons.push((daemonsMs(hosts) - before) / slice.ms);
  }
  await Promise.all([flows.plain.close(), flows.tunnel.close()]);
  return { plain: median(rates.plain), tunnel: median(rates.tunnel), daemons: median(rates.daemons) };
}

async function isOn(host: LabHost, wanted: PathName): Promise<void> {
  const view = ({ peers }: { readonly peers: readonly { readonly path: string; readonly settled: boolean }[] }) =>
    peers.every(({ path, settled }) => path === wanted && settled) ? true : undefined;
  await host.await(`is on ${wanted}`, view, never, 60_000);
}

function daemonsMs(hosts: readonly LabHost[]): number {
  return hosts.reduce((sum, { daemon }) => sum + (daemon === undefined ? 0 : busyMs(daemon)), 0);
}
