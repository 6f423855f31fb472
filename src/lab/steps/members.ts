/** Members that every scenario's JSON report has in the same form. */
import type { LabHost } from '../lab-host.ts';
import type { PairResult } from '../matrix.ts';
import type { Report } from '../report.ts';

export function addHosts(report: Report, hosts: readonly LabHost[]): void {
  const told = hosts.map(({ name, plan, container }) => ({
    name,
    node: plan.node,
    subnet: container.subnet,
    address: container.address,
  }));
  report.add('hosts', told);
}

/** And that some of them use each of these paths. */
export function addPairs(report: Report, pairs: readonly PairResult[], paths: readonly string[]): void {
  const told = pairs.map((pair) => ({ ...pair }));
  report.add('pairs', told);
  for (const path of paths) {
    const some = pairs.some((pair) => pair.path === path);
    report.check(`some pairs use ${path}`, some, 'none does');
  }
}
