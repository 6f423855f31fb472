/**
 * A topology as people draw it, from its value:
 *
 *   segment A  172.30.1.0/24         segment B  172.30.2.0/24
 *   ┌─────────────┐┌─────────────┐   ┌─────────────┐┌╌╌╌╌╌╌╌╌╌╌╌╌╌┐
 *   │ a1          ││ a2          │   │ b1          │┆ b2          ┆
 *   │ 172.30.1.11 ││ 172.30.1.12 │   │ 172.30.2.11 │┆ joins later ┆
 *   └──────┬──────┘└──────┬──────┘   └──────┬──────┘└╌╌╌╌╌╌┬╌╌╌╌╌╌┘
 *   ═══════╧══════════════╧═══╡ router ╞════╧══════════════╧═══════
 */
import { padded, widthOf, type Paint } from './paint.ts';
import type { HostPlan, Site, Topology } from './topology.ts';

const MARGIN = '  ';

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

/** Boxes side by side above a line that stands for the segment. */
function drawSegment(title: string, machines: readonly HostPlan[], paint: Paint): readonly string[] {
  const width = 4 + Math.max(...machines.map(({ name, address }) => Math.max(name.length, address.length)), 11);
  const boxes = machines.map((host) => {
    const later = host.joinsLater === true;
    return box(host.name, later ? 'joins later' : host.address, width, !later, paint);
  });
  const rows = [0, 1, 2, 3].map((row) => boxes.map((lines) => lines[row] ?? '').join(' '));
  const half = Math.floor((width - 3) / 2) + 1;
  const taps = machines.map(() => `${'═'.repeat(half)}╧${'═'.repeat(width - half - 1)}`).join('═');
  const total = machines.length * (width + 1) - 1;
  return [padded(paint('dim', title), total), ...rows, paint('cyan', taps)];
}

function drawSite(topology: Topology, site: Site, paint: Paint): readonly string[] {
  const blocks = site.segments
    .map(({ name, title, range }) => ({
      title: `${title}  ${range}`,
      machines: topology.hosts.filter((host) => host.segment === name),
    }))
    .filter(({ machines }) => machines.length > 0)
    .map(({ title, machines }) => drawSegment(title, machines, paint));
  const rows = blocks[0]?.map((_, row) => {
    const bus = row === (blocks[0]?.length ?? 0) - 1;
    const joint = bus ? paint('cyan', `══╡ ${site.name} ╞══`) : ' '.repeat(site.name.length + 8);
    return (MARGIN + blocks.map((lines) => lines[row] ?? '').join(joint)).trimEnd();
  });
  return rows ?? [];
}

/** Every site, and below it the services on a cable of their own. */
export function drawTopology(topology: Topology, paint: Paint): readonly string[] {
  const lines = topology.sites.flatMap((site) => drawSite(topology, site, paint));
  const { title, address, port } = topology.store;
  const store = `${paint('bold', 'store')} ${title} ${address}:${port}`;
  // Below the middle of the picture, where the router stands.
  const middle = Math.floor((Math.max(...lines.map(widthOf)) + MARGIN.length) / 2);
  const indent = (text: string): string => ' '.repeat(Math.max(0, middle - Math.floor(widthOf(text) / 2)));
  const cable = paint('cyan', '║');
  return [...lines, indent('') + cable, `${indent(store)}${store}`];
}
