/** A daemon that gets no time: as on a host that swaps, or a virtual machine that is being moved. */
import { readdirSync, readFileSync } from 'node:fs';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { becomes } from './becomes.ts';

/** Stops all threads of the host's daemon while `work` runs, after what it had started has ended; then it goes on. */
export async function whilePaused(host: LabHost, work: () => Promise<unknown>): Promise<void> {
  host.daemon?.kill('SIGSTOP');
  try {
    await becomes('the daemon is stopped', [], () => stillRunning(host));
    await work();
  } finally {
    host.daemon?.kill('SIGCONT');
  }
}

/** Its threads that are not stopped, and programs of its that have not ended: those would see half of what `work` does, and tell the daemon later. */
const stillRunning = ({ daemon }: LabHost): readonly string[] => {
  const own = String(daemon?.pid);
  const threads = readdirSync(`/proc/${own}/task`).map((thread) => ({
    ...readState(`${own}/task/${thread}`),
    is: 'T',
  }));
  const programs = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ ...readState(name), is: 'Z' }))
    .filter(({ parent }) => parent === own);
  return [...threads, ...programs].filter(({ state, is }) => state !== is).map(({ state, name }) => `${name} ${state}`);
};

/** T is stopped, Z has ended and is not taken note of (proc_pid_status(5)). */
function readState(task: string): { readonly name: string; readonly state: string; readonly parent: string } {
  const text = textOf(`/proc/${task}/status`);
  const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(text)?.[1] ?? '';
  return { name: field('Name'), state: field('State'), parent: field('PPid') };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // It has gone since it was listed.
    return '';
  }
}
