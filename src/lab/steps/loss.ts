/** What counts as no loss. */
import type { Report } from '../report.ts';
import type { Loss } from '../steady-flows.ts';

/** "Pings every 10 ms or faster": else a short loss could hide between two of them. */
const INTERVAL_LIMIT_MS = 10;

export function checkNoLoss(report: Report, during: string, loss: Loss): void {
  const { lostPings, sentPings, intervalMs, losers } = loss;
  report.check(
    `no ping is lost while ${during}`,
    lostPings === 0 && sentPings > 0,
    losers.join(', ') || 'none was sent',
  );
  report.check(
    `each flow pings every ${INTERVAL_LIMIT_MS} ms or faster while ${during}`,
    intervalMs <= INTERVAL_LIMIT_MS,
    `one every ${intervalMs.toFixed(1)} ms`,
  );
}
