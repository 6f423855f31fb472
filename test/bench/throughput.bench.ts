/**
 * What Weft costs a packet: `fabric` beside the same hosts without any overlay, and weftd's vxlan beside one made with ip(8) and bridge(8). One TCP
 * stream, and UDP with 64 bytes in a packet, container to container, both directions, while the daemons run and probe.
 *
 * All in one machine, so each packet's whole way is work of the sender's core: the rate is what the hosts, and the emulated VPC between them,
 * can do. It is counted by the time that the busier end had a core. On a machine with nothing else to do that is the clock on the wall, whose ratio stands
 * in the table as well; on one that others use it leaves out the time that they had. What the daemons do meanwhile runs beside both and is given apart.
 */
import type { JsonObject } from '../../src/core/json.ts';
import type { PathName } from '../../src/core/path.ts';
import { LAB_FOLDER } from '../../src/lab/inside.ts';
import { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { bundle } from '../lab/enclosed.ts';
import { insideLab } from './inside-lab.ts';
import { busyMs, Flow, type Kind } from './iperf-flow.ts';
import { median, report, round, type Bar } from './measure.ts';
import { confidence, pairedRounds, type BothWays, type Round } from './paired-rounds.ts';
import { NETWORK, routeByHand, throughputTopology, tunnelByHand, type Ends } from './throughput-world.ts';

const AT_LEAST = 0.95;
/** Four comparisons; with what it takes to set up, three minutes. */
const COMPARISON_AT_MOST_MS = 38_000;
const KINDS = ['stream', 'packets'] as const;
const PORTS: Readonly<Record<Kind, number>> = { stream: 5201, packets: 5202 };
const IN_UNITS: Readonly<Record<Kind, (moved: number) => string>> = {
  stream: (bytes) => `${round((bytes * 8) / 1e9)} Gbit/s`,
  packets: (packets) => `${round(packets / 1000)} kp/s`,
};
const WORDS: Readonly<Record<Kind, string>> = { stream: 'TCP', packets: 'small packets' };

const never = new AbortController().signal;
const rows: string[][] = [];
const bars: Bar[] = [];

await insideLab(import.meta.url, async () => {
  const lab = await Lab.start(throughputTopology, { executable: bundle(), folder: LAB_FOLDER }, never);
  const hosts: readonly [LabHost, LabHost] = [lab.host('a1'), lab.host('b1')];
  await lab.writeConfig({ Network: NETWORK, Weft: {} });
  await startHosts(hosts, hosts, never);
  const ends: Ends = [hosts[0].container, hosts[1].container];
  const routed = await routeByHand(lab);
  await compare(lab, hosts, { path: 'fabric', beside: 'no overlay', reference: routed, subject: ends });
  const config: JsonObject = { Network: NETWORK, Weft: { Paths: ['vxlan'] } };
  await lab.writeConfig(config);
  const tunnelled = await tunnelByHand(routed);
  await compare(lab, hosts, { path: 'vxlan', beside: 'vxlan by hand', reference: tunnelled, subject: ends });
  await lab.close();
  const head = [
    '',
    'reference',
    'Weft',
    'ratio',
    '+-',
    'least',
    'most',
    'rounds',
    'by the wall',
    'more ns',
    'daemons, % of a core',
  ];
  report('Container to container, medians of interleaved rounds, by the time of the busier end', head, rows, bars);
});

interface Comparison {
  readonly path: PathName;
  readonly beside: string;
  readonly reference: Ends;
  readonly subject: Ends;
}

async function compare(
  lab: Lab,
  hosts: readonly LabHost[],
  { path, beside, reference, subject }: Comparison,
): Promise<void> {
  await Promise.all(hosts.map((host) => carries(host, path)));
  for (const kind of KINDS) {
    const flows = [await bothWays(lab, kind, reference), await bothWays(lab, kind, subject)] as const;
    const [start, before] = [performance.now(), daemonsMs(hosts)];
    const rounds = await pairedRounds(...flows, COMPARISON_AT_MOST_MS);
    const daemons = (100 * (daemonsMs(hosts) - before)) / hosts.length / (performance.now() - start);
    for (const flow of flows.flat()) await flow.close();
    // A pair that has left its path would be another measurement.
    await Promise.all(hosts.map((host) => carries(host, path)));
    const what = `${path} beside ${beside}, ${WORDS[kind]}`;
    rows.push([what, ...figures(rounds, kind), round(daemons)]);
    bars.push({ what, value: median(rounds.map(({ ratio }) => ratio)), atLeast: AT_LEAST, unit: ' x' });
  }
}

async function bothWays(lab: Lab, kind: Kind, [a, b]: Ends): Promise<BothWays> {
  return [await Flow.open(lab, kind, a, b, PORTS[kind]), await Flow.open(lab, kind, b, a, PORTS[kind])];
}

async function carries(host: LabHost, wanted: PathName): Promise<void> {
  const view = ({ peers }: { readonly peers: readonly { readonly path: string; readonly settled: boolean }[] }) =>
    peers.every(({ path, settled }) => path === wanted && settled) ? true : undefined;
  await host.await(`is on ${wanted}`, view, never, 30_000);
}

function daemonsMs(hosts: readonly LabHost[]): number {
  return hosts.reduce((sum, { daemon }) => sum + (daemon === undefined ? 0 : busyMs(daemon)), 0);
}

function figures(rounds: readonly Round[], kind: Kind): string[] {
  const middle = (key: keyof Round): number => median(rounds.map((it) => it[key]));
  const ratios = rounds.map(({ ratio }) => ratio);
  const more = 1e9 / middle('subject') - 1e9 / middle('reference');
  return [
    IN_UNITS[kind](middle('reference')),
    IN_UNITS[kind](middle('subject')),
    middle('ratio').toFixed(3),
    confidence(rounds).toFixed(3),
    Math.min(...ratios).toFixed(3),
    Math.max(...ratios).toFixed(3),
    String(rounds.length),
    middle('wallRatio').toFixed(3),
    kind === 'packets' ? more.toFixed(0) : '',
  ];
}
