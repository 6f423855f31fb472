/** Interfaces that drop packets of containers: switched on again by somebody, or never off. A route to one leads nowhere, so they come before routes. */
import type { CloudNetwork } from '../contracts/cloud-network.ts';
import { asWeftError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import { inParallel } from '../core/in-parallel.ts';
import type { Belief } from '../core/lease-belief.ts';
import type { Lease } from '../core/lease.ts';
import type { AuditLog } from './audit-log.ts';
import type { Machines } from './run-facts.ts';
import type { RunRight } from './run-right.ts';

export interface PrepareParts {
  readonly cloud: Pick<CloudNetwork, 'prepare'>;
  readonly right: RunRight;
  readonly audit: Pick<AuditLog, 'add'>;
}

const AT_ONCE = 8;
/** Who was denied so many is denied all: the calls are left to routes. */
const MOST_DENIALS = 3;

export async function prepareInterfaces(
  { cloud, right, audit }: PrepareParts,
  { believed }: Belief,
  { interfaces }: Machines,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  let denials = 0;
  const dropping = new Map<string, Lease>();
  for (const lease of believed) {
    const target = lease.attributes.weft?.fabric?.target;
    if (target !== undefined && interfaces.get(target)?.forwards === false) dropping.set(target, lease);
  }
  await inParallel([...dropping], AT_ONCE, signal, async ([target, { attributes, epoch }], own) => {
    if (denials >= MOST_DENIALS || ((await right.turn(own)) ?? right.mayCall()) !== undefined) return;
    try {
      await cloud.prepare(target, own);
      denials = 0;
    } catch (error) {
      if (signal.aborted) throw error;
      const { code, message } = asWeftError(error);
      if (code === 'CLOUD_DENIED') denials += 1;
      findings.push({ code, message: `interface ${target} drops packets of containers: ${message}` });
      return;
    }
    const node = attributes.weft === undefined ? {} : { node: attributes.weft.node };
    await audit.add(
      { action: 'prepared', after: target, ...node, epoch, why: 'its source/destination check was on' },
      own,
    );
  });
  return findings;
}
