/** What a daemon's service manager is told: when its start is over, and how it fares. */
import type { Clock } from '../contracts/clock.ts';
import type { Supervisor } from '../contracts/supervisor.ts';
import type { FailedChange } from '../reconcile/pass-report.ts';
import type { Facts } from './facts.ts';
import { Informed } from './keep-informed.ts';
import { unreadyReasons } from './status.ts';

export interface SupervisionParts {
  readonly clock: Clock;
  readonly supervisor: Supervisor;
  readonly facts: () => Facts;
  /** Since when the pass that is under way is; undefined: none is. */
  readonly busySinceMs: () => number | undefined;
  /** Rises while a pass that takes long gets on. */
  readonly steps: () => number;
  /** Resolves when the first pass has been made. */
  readonly firstPass: Promise<void>;
}

const LONGEST_LINE = 200;

/** Rejects with ABORTED when the signal fires. */
export async function supervision(
  { facts, firstPass, ...parts }: SupervisionParts,
  signal: AbortSignal,
): Promise<never> {
  const informed = new Informed({
    ...parts,
    fares: () => {
      const now = facts();
      // As flanneld is: the file is there, and the data path and the firewall have been made once. What comes later is a matter of status.
      const ready = now.subnetFileWritten && now.passes.last !== undefined && !now.passes.failed.some(isOfFirewall);
      return { ready, status: statusLine(now) };
    },
  });
  void firstPass.then(() => (signal.aborted ? undefined : informed.tell()));
  return informed.run(signal);
}

/** Docker must not start containers whose packets nobody masquerades although FLANNEL_IPMASQ says that weftd does, or that are dropped. */
const isOfFirewall = ({ change }: FailedChange): boolean =>
  change.op === 'put' && (change.want.kind === 'masquerade' || change.want.kind === 'accept');

export function statusLine(facts: Facts): string {
  const { phase, lease, passes, findings } = facts;
  const reasons = unreadyReasons(facts);
  // What a start waits for is told last there, and says most.
  const reason = phase === 'starting' && findings.length > 0 ? reasons.at(-1) : reasons[0];
  if (reason !== undefined) {
    const more = reasons.length === 1 ? '' : ` (and ${reasons.length - 1} more: weftd status)`;
    return `not ready: ${reason.slice(0, LONGEST_LINE)}${more}`;
  }
  const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
  const needs = findings.length === 0 ? '' : `, ${count(findings.length, 'finding')}: weftd status`;
  return `ready: ${lease?.subnet.v4}, ${count(passes.last?.peers.size ?? 0, 'peer')}${needs}`;
}
