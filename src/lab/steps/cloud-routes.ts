/** The VPC's route tables as the API has them, shown and judged. */
import type { Subnet } from '../../core/subnet.ts';
import type { AwsInLab } from '../aws/aws-site.ts';
import { associationsOf } from '../aws/associations.ts';
import type { AwsState, Route, RouteTable } from '../aws/model.ts';
import type { Lab } from '../lab.ts';
import type { LabHost } from '../lab-host.ts';
import { padded, type Paint } from '../paint.ts';
import type { Stage } from '../scenario.ts';

/** The emulated account of a lab with a VPC. */
export function awsOf({ aws }: Lab): AwsInLab {
  if (aws === undefined) throw new Error('this scenario needs a topology with a VPC');
  return aws;
}

export const nameOf = (state: AwsState, id: string): string => state.tags.get(id)?.get('Name') ?? id;

/** A route to a container subnet, as everybody in a subnet's table finds it. */
export interface ContainerRoute {
  /** Names of the table and of the instance whose interface it leads to. */
  readonly table: string;
  readonly destination: Subnet;
  readonly to: string;
  readonly shownAs: 'active' | 'blackhole';
}

/** Routes to interfaces in the tables that serve subnets. */
export function containerRoutes(state: AwsState): readonly ContainerRoute[] {
  return subnetTables(state).flatMap((table) =>
    [...table.routes.values()].flatMap(({ destination, target }) => {
      if (target.kind !== 'interface') return [];
      const shownAs = state.interfaces.get(target.id)?.shownAs ?? 'blackhole';
      return [{ table: nameOf(state, table.id), destination, to: instanceOf(state, target.id), shownAs }];
    }),
  );
}

/** Each table that serves a subnet, with all its routes. */
export function showTables({ lab, screen }: Stage): void {
  const { state } = awsOf(lab).cloud;
  screen.line(`    ${screen.paint('dim', 'the route tables, as EC2 tells of them')}`);
  for (const table of subnetTables(state)) {
    const served = associationsOf(state, table.id).flatMap(({ subnet }) => (subnet === undefined ? [] : [subnet]));
    const titles = served.map((id) => titleOf(lab, nameOf(state, id)));
    const head = `${screen.paint('bold', nameOf(state, table.id))}  route table of ${titles.join(', ')}`;
    screen.line(`    ${head}  ${screen.paint('dim', table.id)}`);
    screen.lines([...table.routes.values()].map((route) => `      ${describe(state, route, screen.paint)}`));
  }
}

/** Every table has the routes to the hosts of the other subnets of the VPC, and no others. */
export function checkTables({ lab, report }: Stage, hosts: readonly LabHost[], when: string): void {
  const seen = containerRoutes(awsOf(lab).cloud.state).map(({ table, to }) => `${to} in ${table}`);
  const expected = lab.topology.sites.flatMap(({ segments, vpc }) =>
    segments.flatMap(({ name }) =>
      hosts
        .filter(({ plan }) => segments.some((it) => it.name === plan.segment) && plan.segment !== name)
        .flatMap((host) => (vpc === undefined ? [] : [`${host.name} in ${vpc.subnets[name]?.table ?? 'main'}`])),
    ),
  );
  report.check(
    `each route table has the routes to the hosts of the other subnets, and no other of ours, ${when}`,
    seen.toSorted().join() === expected.toSorted().join(),
    seen.join(', ') || 'none',
  );
}

function subnetTables(state: AwsState): readonly RouteTable[] {
  return [...state.tables.values()].filter(({ id }) => associationsOf(state, id).some((it) => it.subnet !== undefined));
}

function describe(state: AwsState, { destination, target }: Route, paint: Paint): string {
  const isInterface = target.kind === 'interface';
  const shown = isInterface ? (state.interfaces.get(target.id)?.shownAs ?? 'blackhole') : 'active';
  const to = target.kind === 'local' ? 'local' : target.id;
  const owner = isInterface ? instanceOf(state, target.id) : '';
  const place = padded(isInterface ? paint('cyan', destination) : destination, 17);
  return `${place}${padded(to, 23)}${padded(owner, 5)}${paint(shown === 'active' ? 'green' : 'red', shown)}`;
}

function instanceOf(state: AwsState, target: string): string {
  const instance = state.interfaces.get(target)?.attachment?.instance;
  return instance === undefined ? 'nobody' : nameOf(state, instance);
}

const titleOf = ({ topology }: Lab, segment: string): string =>
  topology.sites.flatMap(({ segments }) => segments).find(({ name }) => name === segment)?.title ?? segment;
