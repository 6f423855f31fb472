/**
 * A topology as people draw it, from its value:
 *
 *   segment A  172.30.1.0/24         segment B  172.30.2.0/24
 *   ┌─────────────┐┌─────────────┐   ┌─────────────┐┌╌╌╌╌╌╌╌╌╌╌╌╌╌┐
 *   │ a1          ││ a2          │   │ b1          │┆ b2          ┆
 *   │ 172.30.1.11 ││ 172.30.1.12 │   │ 172.30.2.11 │┆ joins later ┆
 *   └──────┬──────┘└──────┬──────┘   └──────┬──────┘└╌╌╌╌╌╌┬╌╌╌╌╌╌┘
 *   ═══════╧══════════════╧═══╡ router ╞════╧══════════════╧═══════
 *
 * Several sites stand side by side, and cables lead from their routers to the one that joins them.
 */
import { padded, widthOf, type Paint } from './paint.ts';
import { SERVICES, type StoreKind } from './store.ts';
import type { HostPlan, Segment, Site, Topology } from './topology.ts';

const MARGIN = '  ';
const BETWEEN_SITES = '    ';

/** Lines of one width, and the column from which a cable leads on. */
interface Block {
  readonly lines: readonly string[];
  readonly width: number;
  readonly tap: number;
}

/** One machine's box: five lines, the foot with a cable downwards. */
function box(title: string, second: string, width: number, solid: boolean, paint: Paint): readonly string[] {
  const [line, side] = solid ? ['─', '│'] : ['╌', '┆'];
  const inner = width - 2;
  const half = Math.floor((inner - 1) / 2);
  const row = (text: string): string => `${side} ${padded(text, inner - 2)} ${side}`;
  return [
    `┌${line.repeat(inner)}┐`,
    row(paint('bold', title)),
    row(second),
    `└${line.repeat(half)}┬${line.repeat(inner - half - 1)}┘`,
  ];
}

const hostsIn = (topology: Topology, { name }: Segment): readonly HostPlan[] =>
  topology.hosts.filter(({ segment }) => segment === name);

const boxWidth = (machines: readonly HostPlan[]): number =>
  4 + Math.max(...machines.map(({ name, address }) => Math.max(name.length, address.length)), 11);

const segmentWidth = (machines: readonly HostPlan[]): number => machines.length * (boxWidth(machines) + 1) - 1;

/** Boxes side by side above a line that stands for the segment. */
function drawSegment(titles: readonly string[], machines: readonly HostPlan[], paint: Paint): readonly string[] {
  const width = boxWidth(machines);
  const boxes = machines.map((host) => {
    const later = host.joinsLater === true;
    return box(host.name, later ? 'joins later' : host.address, width, !later, paint);
  });
  const rows = [0, 1, 2, 3].map((row) => boxes.map((lines) => lines[row] ?? '').join(' '));
  const half = Math.floor((width - 3) / 2) + 1;
  const taps = machines.map(() => `${'═'.repeat(half)}╧${'═'.repeat(width - half - 1)}`).join('═');
  const heads = titles.map((title) => padded(paint('dim', title), segmentWidth(machines)));
  return [...heads, ...rows, paint('cyan', taps)];
}

/** The segments that have hosts, joined by the site's router. */
function drawSite(topology: Topology, site: Site, splitTitles: boolean, paint: Paint): Block | undefined {
  const segments = site.segments.filter((segment) => hostsIn(topology, segment).length > 0);
  const drawn = segments.map((segment) => {
    const { title, range } = segment;
    return drawSegment(splitTitles ? [title, range] : [`${title}  ${range}`], hostsIn(topology, segment), paint);
  });
  const [first] = drawn;
  if (first === undefined) return undefined;
  const router = `══╡ ${site.name} ╞══`;
  const lines = first.map((_, row) => {
    const joint = row === first.length - 1 ? paint('cyan', router) : ' '.repeat(router.length);
    return drawn.map((segment) => segment[row] ?? '').join(joint);
  });
  const width = Math.max(...lines.map(widthOf));
  const left = widthOf(first.at(-1) ?? '');
  const tap = drawn.length === 1 ? Math.floor(left / 2) : left + Math.floor(router.length / 2);
  return { lines, width, tap };
}

/** Every site with hosts, and below them the services on a cable of their own. */
export function drawTopology(topology: Topology, storeKind: StoreKind, paint: Paint): readonly string[] {
  const all = topology.sites.flatMap(({ segments }) => segments).filter((it) => hostsIn(topology, it).length > 0);
  // Titles that are wider than what stands below them would push it aside.
  const split = all.some((it) => `${it.title}  ${it.range}`.length > segmentWidth(hostsIn(topology, it)));
  const blocks = topology.sites.flatMap((site) => drawSite(topology, site, split, paint) ?? []);
  const rows = blocks[0]?.lines.map((_, row) => {
    const parts = blocks.map(({ lines, width }) => padded(lines[row] ?? '', width));
    return (MARGIN + parts.join(BETWEEN_SITES)).trimEnd();
  });
  const { lines, tap } = drawJoin(topology, blocks, paint);
  const { title, port } = SERVICES[storeKind];
  const store = `${paint('bold', 'store')} ${title} ${topology.store.address}:${port}`;
  const indent = ' '.repeat(Math.max(0, tap - Math.floor(widthOf(store) / 2)));
  return [...(rows ?? []), ...lines, ' '.repeat(tap) + paint('cyan', '║'), `${indent}${store}`];
}

/** Cables from several sites to the one in their middle; one site alone has the services at its own router. */
function drawJoin(
  topology: Topology,
  blocks: readonly Block[],
  paint: Paint,
): { readonly lines: readonly string[]; readonly tap: number } {
  let at = MARGIN.length;
  const taps = blocks.map(({ width, tap }) => {
    const column = at + tap;
    at += width + BETWEEN_SITES.length;
    return column;
  });
  const [first = 0, last = first] = [taps[0], taps.at(-1)];
  if (taps.length < 2) return { lines: [], tap: first };
  const hub = topology.sites.find(({ segments }) => segments.every((it) => hostsIn(topology, it).length === 0));
  const name = hub === undefined ? '' : `╡ ${hub.name} ╞`;
  const tap = Math.floor((first + last) / 2);
  const left = tap - Math.floor(name.length / 2) - first - 1;
  const right = last - first - 1 - left - name.length;
  const risers = Array.from({ length: last + 1 }, (_, column) => (taps.includes(column) ? '║' : ' ')).join('');
  const cable = `${' '.repeat(first)}╚${'═'.repeat(left)}${name}${'═'.repeat(right)}╝`;
  return { lines: [paint('cyan', risers), paint('cyan', cable)], tap };
}
