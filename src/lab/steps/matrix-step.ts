/** The matrix of pings, shown and judged. */
import type { LabHost } from '../lab-host.ts';
import { drawMatrix, failedPairs, pingAllPairs, type PairResult } from '../matrix.ts';
import type { Stage } from '../scenario.ts';

/** @param when ends the check's name: `every container reaches every other, WHEN`. */
export async function matrixStep(
  stage: Stage,
  hosts: readonly LabHost[],
  when: string,
): Promise<readonly PairResult[]> {
  const { lab, screen, report } = stage;
  const step = screen.step(`every container pings every other, ${when}`);
  const pairs = await pingAllPairs(hosts, lab.pinger);
  const reached = pairs.filter(({ ok }) => ok).length;
  const all = report.check(
    `every container reaches every other, ${when}`,
    reached === pairs.length,
    failedPairs(pairs),
  );
  if (all) step.done(`${reached} of ${pairs.length} pairs`);
  else step.failed(failedPairs(pairs));
  screen.lines(drawMatrix(pairs, screen.paint));
  report.check(
    `hosts of one segment go directly, others by vxlan, ${when}`,
    pairs.every((pair) => pair.path === expectedPath(stage, pair)),
    pairs.map(({ from, to, path }) => `${from}>${to} ${path}`).join(', '),
  );
  return pairs;
}

function expectedPath({ lab }: Stage, { from, to }: PairResult): string {
  return lab.host(from).plan.segment === lab.host(to).plan.segment ? 'direct' : 'vxlan';
}
