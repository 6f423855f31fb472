/** What the agents asked of EC2, by its journal. */
import { planned } from '../aws/account.ts';
import type { JournalEntry } from '../aws/journal.ts';
import type { Lab } from '../lab.ts';
import type { LabHost } from '../lab-host.ts';
import type { Stage } from '../scenario.ts';
import { awsOf } from './cloud-routes.ts';

export interface CallCount {
  readonly total: number;
  /** Those that could change something. */
  readonly mutating: number;
}

/** A host may use so many calls to join, and one more for each table that its route goes into. */
const JOINING_CALLS = 5;

/** Zero for a host that has no cloud. */
export function callsOf(lab: Lab, host: LabHost): CallCount {
  return lab.aws?.cloud.journal.counts()[host.name] ?? { total: 0, mutating: 0 };
}

export function callsOfAll(lab: Lab): Readonly<Record<string, CallCount>> {
  return Object.fromEntries([...lab.hosts.values()].map((host) => [host.name, callsOf(lab, host)]));
}

/** The host has just come into a cluster that stood already. */
export function checkJoining({ lab, screen, report }: Stage, host: LabHost): void {
  const own = awsOf(lab).cloud.journal.entries.filter(({ who }) => who === host.name);
  const tables = new Set(own.filter(isRouteCall).map(({ parameters }) => parameters['RouteTableId']));
  report.check(
    `${host.name} joins with at most ${JOINING_CALLS} EC2 calls and one for each table that its route goes into`,
    own.length > 0 && own.length <= JOINING_CALLS + tables.size,
    `${own.length} calls, ${tables.size} tables: ${own.map(({ action }) => action).join(', ')}`,
  );
  report.add('join', { host: host.name, ec2Calls: own.length, tables: tables.size });
  const many = screen.paint('bold', `${own.length} EC2 calls`);
  const mutating = own.filter((entry) => entry.mutating).map(({ action }) => action);
  screen.line(`    ${many}, to change something: ${mutating.join(', ')}`);
}

/** Whoever changes something changes his own route or interface, from the first call to the last. */
export function checkNothingForeign({ lab, report }: Stage): void {
  const { entries } = awsOf(lab).cloud.journal;
  const foreign = entries.filter((entry) => entry.mutating && !isOwn(lab, entry));
  report.check(
    'no agent makes a call that changes what is not its own',
    foreign.length === 0,
    foreign.map(({ who, action, parameters }) => `${who} ${action} ${JSON.stringify(parameters)}`).join('\n'),
  );
}

function isOwn(lab: Lab, { who, action, parameters }: JournalEntry): boolean {
  const host = who === undefined ? undefined : lab.hosts.get(who);
  if (host === undefined) return false;
  const subnet: string | undefined = host.containers[0]?.subnet;
  switch (action) {
    case 'CreateRoute':
    case 'ReplaceRoute':
    case 'DeleteRoute':
      return parameters['DestinationCidrBlock'] === subnet;
    case 'ModifyNetworkInterfaceAttribute':
      return parameters['NetworkInterfaceId'] === planned.interface(host.name);
    default:
      return false;
  }
}

const isRouteCall = ({ action, outcome }: JournalEntry): boolean => action === 'CreateRoute' && outcome === 'ok';
