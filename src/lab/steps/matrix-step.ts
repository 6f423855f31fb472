/** The matrix of pings, shown and judged. */
import type { LabHost } from '../lab-host.ts';
import { bestPath, type PathOf } from './best-path.ts';
import { drawMatrix, failedPairs, pingAllPairs, type PairResult } from '../matrix.ts';
import type { Stage } from '../scenario.ts';

/** @param when ends the check's name: `every container reaches every other, WHEN`. */
export async function matrixStep(
  stage: Stage,
  hosts: readonly LabHost[],
  when: string,
  pathOf: PathOf = bestPath(stage.lab.topology),
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
    `every host sends by the path that it should, ${when}`,
    pairs.every((pair) => pair.path === pathOf(lab.host(pair.from), lab.host(pair.to))),
    pairs.map(({ from, to, path }) => `${from}>${to} ${path}`).join(', '),
  );
  return pairs;
}
