/** What a person should know of a look at the cloud: each trouble with what to do, once. */
import { tableOf } from '../core/cloud-route.ts';
import { allowedTables } from '../core/desired-routes.ts';
import type { Finding } from '../core/finding.ts';
import type { FabricIdentity } from '../core/lease.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import { overlaps, type Subnet } from '../core/subnet.ts';
import { isSettled, type CloudReport } from '../reconcile/cloud-report.ts';
import type { LookEnd } from './cloud-schedule.ts';

/** cloud-schedule.ts says when. */
const AGAIN = 'It is tried again by itself, and at once on SIGHUP.';

/** Why this host's own table carries nothing, whatever peers do; undefined when it may. */
export function tableTrouble(
  { tables }: Pick<CloudReport, 'tables'>,
  identity: FabricIdentity,
  config: NetworkConfig,
): string | undefined {
  const own = tableOf(tables, identity.subnet);
  if (own === undefined) return `no route table serves ${identity.subnet}, and ${identity.network} shows no main one`;
  if (allowedTables(config.routeTables, tables).ids.has(own.id)) return undefined;
  const { ids, tag } = config.routeTables;
  return ids.length > 0
    ? `this host's subnet uses route table ${own.id}, which the network config does not name: add it to Weft.AWS.RouteTableID`
    : `this host's subnet uses route table ${own.id}, which does not carry the tag ${tag ?? ''} of the network config`;
}

export function reportFindings(report: CloudReport, identity: FabricIdentity, config: NetworkConfig): Finding[] {
  const trouble = tableTrouble(report, identity, config);
  const findings: Finding[] = trouble === undefined ? [] : [{ code: 'CLOUD_NOT_FOUND', message: trouble }];
  for (const id of report.missing) {
    const message = `there is no route table ${id} in ${identity.network} that may hold routes to interfaces: correct Weft.AWS.RouteTableID`;
    findings.push({ code: 'CLOUD_NOT_FOUND', message });
  }
  for (const { result, code, why, hint, row } of report.outcomes.values()) {
    if (result === 'refused' || (result === 'unconfirmed' && code !== undefined))
      findings.push({
        code: code ?? 'CLOUD_REFUSED',
        message: `no cloud route ${row.destination} in ${row.table}: ${why ?? result}${hint === undefined ? '' : `. ${hint} ${AGAIN}`}`,
      });
  }
  return findings;
}

/** Ranges of the cloud network that an overlay shares addresses with. */
export function overlapFindings(network: Subnet, ranges: readonly Subnet[], identity: FabricIdentity): Finding[] {
  return ranges
    .filter((range) => overlaps(network, range))
    .map(
      (range) =>
        ({
          code: 'NETWORK_OVERLAP',
          message: `Network ${network} overlaps ${range}, a range of ${identity.network}`,
        }) as const,
    );
}

/** What the cloud refuses for want of time or of an answer may go well next time. */
export function endOf(report: CloudReport): LookEnd {
  if (isSettled(report)) return 'settled';
  const isLasting = [...report.outcomes.values()].every(
    ({ result, code }) =>
      result !== 'unconfirmed' &&
      result !== 'held' &&
      (result !== 'refused' || (code !== 'CLOUD_THROTTLED' && code !== 'CLOUD_UNREACHABLE')),
  );
  return isLasting ? 'refused' : 'troubled';
}
