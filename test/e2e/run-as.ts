/** A host's daemon with the words of the test alone: the lab's own name its store and its address. */
import { bundle } from '../lab/enclosed.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';

export function runAs(lab: Lab, host: LabHost, words: readonly string[]): void {
  const { FLANNELD_STORE: _, ...environment } = host.environment;
  host.daemon = lab.start({
    name: host.name,
    namespace: host.name,
    command: [process.execPath, bundle(), 'run', '--node-id', host.plan.node, ...words],
    environment,
    logFile: host.logFile,
  });
}
