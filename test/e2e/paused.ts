/** A daemon that gets no time: as on a host that swaps, or a virtual machine that is being moved. */
import { readFileSync } from 'node:fs';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { becomes } from './becomes.ts';

/** Stops all threads of the host's daemon while `work` runs; then it goes on. */
export async function whilePaused(host: LabHost, work: () => Promise<unknown>): Promise<void> {
  host.daemon?.kill('SIGSTOP');
  try {
    await becomes('the daemon is stopped', 'T', () => stateOf(host));
    await work();
  } finally {
    host.daemon?.kill('SIGCONT');
  }
}

/** T is stopped (proc_pid_status(5)). */
const stateOf = ({ daemon }: LabHost): string | undefined =>
  /^State:\s*(\w)/m.exec(readFileSync(`/proc/${daemon?.pid}/status`, 'utf8'))?.[1];
