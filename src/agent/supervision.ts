/** Keeps the service manager informed: ready once, how it fares when that changes, and that the daemon is alive for as long as it is. */
import type { Clock } from '../contracts/clock.ts';
import type { Supervisor } from '../contracts/supervisor.ts';
import type { FailedChange } from '../reconcile/pass-report.ts';
import type { Facts } from './facts.ts';
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

/** How soon a change of status is told. */
const LOOK_EVERY_MS = 1000;
const LONGEST_LINE = 200;

/** Rejects with ABORTED when the signal fires. */
export async function supervision(parts: SupervisionParts, signal: AbortSignal): Promise<never> {
  const { clock, supervisor, facts, busySinceMs, steps, firstPass } = parts;
  const { watchdogMs = Infinity } = supervisor;
  let isReady = false;
  let said: string | undefined;
  let aliveAtMs = -Infinity;
  let moved = { steps: 0, atMs: -Infinity };

  const tell = (): void => {
    if (signal.aborted) return;
    const now = facts();
    const status = statusLine(now);
    // As flanneld is: the file is there, and the data path and the firewall have been made once. What comes later is a matter of status.
    const ready =
      !isReady && now.subnetFileWritten && now.passes.last !== undefined && !now.passes.failed.some(isOfFirewall);
    if (steps() !== moved.steps) moved = { steps: steps(), atMs: now.nowMs };
    const sinceMs = busySinceMs();
    // The thread lives, but the loop waits for something that does not come: whoever starts us again helps.
    const hangs = sinceMs !== undefined && now.nowMs - Math.max(sinceMs, moved.atMs) > watchdogMs;
    const alive = now.nowMs >= aliveAtMs + watchdogMs / 2 && !hangs;
    if (!ready && !alive && status === said) return;
    const told = supervisor.tell({
      ...(ready ? { ready } : {}),
      ...(alive ? { alive } : {}),
      ...(status === said ? {} : { status }),
    });
    if (!told) return;
    said = status;
    isReady ||= ready;
    if (alive) aliveAtMs = now.nowMs;
  };

  void firstPass.then(tell);
  try {
    for (;;) {
      tell();
      await clock.sleep(Math.min(LOOK_EVERY_MS, watchdogMs / 4), signal);
    }
  } finally {
    supervisor.tell({ stopping: true, status: 'ending' });
  }
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
