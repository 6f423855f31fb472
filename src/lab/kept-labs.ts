/** Labs that run on this machine, found by their first process: nothing outside a lab remembers it, so nothing can be left behind. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WeftError } from '../core/errors.ts';
import type { Status } from '../core/status.ts';
import { instanceFolders, readStatus } from './control-socket.ts';
import { LAB_FOLDER } from './inside.ts';
import { insideOf } from './namespaces.ts';
import { searchPath } from './program.ts';

/** What a lab says of itself in its folder. */
export interface LabCard {
  readonly scenario: string;
  readonly executable: string;
  /** It stays up when it has been played; another belongs to the command that plays it. */
  readonly kept: boolean;
  readonly hosts: readonly {
    readonly name: string;
    readonly address: string;
    readonly stateFolder: string;
    readonly environment: Readonly<Record<string, string>>;
  }[];
}

export const CARD_FILE = path.join(LAB_FOLDER, 'lab.json');

export interface KeptLab {
  /** Of its first process, as this namespace counts. */
  readonly pid: number;
  readonly card: LabCard;
  readonly namespaces: readonly string[];
}

/** This user's newest lab of this weftd, else of another. Throws with NO_DAEMON when there is none. */
export function findLab(executable: string): KeptLab {
  const labs = allLabs();
  const lab = labs.find(({ card }) => card.executable === executable) ?? labs[0];
  if (lab === undefined) throw noLab('no lab is running');
  return lab;
}

/** The newest that may be ended: kept, and of this weftd. Others are somebody's who is at work in them. */
export function findOwnLab(executable: string): KeptLab {
  const labs = allLabs();
  const lab = labs.find(({ card }) => card.kept && card.executable === executable);
  if (lab !== undefined) return lab;
  const [other] = labs;
  if (other === undefined) throw noLab('no lab is running');
  const { card, pid } = other;
  const whose = card.executable === executable ? 'is being played: it ends by itself' : `is of ${card.executable}`;
  throw noLab(`no lab that was kept by this weftd is running; ${card.scenario} (process ${pid}) ${whose}`);
}

const noLab = (message: string): WeftError =>
  new WeftError('NO_DAEMON', message, { hint: 'start one: weftd lab up, or weftd lab demo --keep' });

/** The newest first. */
function allLabs(): readonly KeptLab[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readLab(Number(name)))
    .filter((lab) => lab !== undefined)
    .toSorted((a, b) => b.startedTicks - a.startedTicks);
}

/** proc_pid_stat(5), field 22: counted from the end of the name in field 2, which may hold anything. */
function startedTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [, ...fields] = stat.slice(stat.lastIndexOf(')')).split(' ');
  return Number(fields[19]);
}

function readLab(pid: number): (KeptLab & { readonly startedTicks: number }) | undefined {
  try {
    const { uid } = statSync(`/proc/${pid}`);
    // Root may look into everybody's, but a lab of another user knows no root.
    if (uid !== process.getuid?.()) return undefined;
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const lab = args.indexOf('lab');
    // unshare waits beside it, with the same words behind its own.
    if (lab < 0 || args[lab + 1] !== 'inside' || path.basename(args[0] ?? '') === 'unshare') return undefined;
    const root = `/proc/${pid}/root`;
    const card = JSON.parse(readFileSync(root + CARD_FILE, 'utf8')) as LabCard;
    return { pid, card, namespaces: readdirSync(`${root}/run/netns`), startedTicks: startedTicks(pid) };
  } catch {
    // Gone meanwhile, not ours to see, or no lab.
    return undefined;
  }
}

/** Runs a command in one of its namespaces, with this terminal; the exit code. `weftd` is the lab's own. */
export async function execIn(lab: KeptLab, namespace: string, command: readonly string[]): Promise<number> {
  if (!lab.namespaces.includes(namespace)) {
    throw new WeftError('BAD_OPTION', `the lab has no "${namespace}": it has ${lab.namespaces.toSorted().join(', ')}`);
  }
  const { card, pid } = lab;
  const [first = 'sh', ...rest] = command;
  const weftd = first === 'weftd' ? [process.execPath, card.executable] : [first];
  const userNamespace = (who: string): string => readlinkSync(`/proc/${who}/ns/user`);
  const user = userNamespace('self') === userNamespace(String(pid)) ? [] : ['--user', '--preserve-credentials'];
  const args = [
    '--target',
    String(pid),
    ...user,
    '--mount',
    '--pid',
    '--',
    ...insideOf(namespace, [...weftd, ...rest]),
  ];
  const own = Object.entries(process.env).filter(([name]) => !/^(AWS|FLANNELD)_/.test(name));
  const host = card.hosts.find(({ name }) => name === namespace);
  const child = spawn('nsenter', args, {
    stdio: 'inherit',
    env: { ...Object.fromEntries(own), PATH: searchPath(process.env['PATH']), ...host?.environment },
  });
  return await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** Each host's own word; undefined for one whose daemon does not run. */
export async function statusesOf(
  lab: KeptLab,
): Promise<readonly { readonly name: string; readonly status: Status | undefined }[]> {
  const root = `/proc/${lab.pid}/root`;
  return await Promise.all(
    lab.card.hosts.map(async ({ name, stateFolder }) => {
      const [instance] = instanceFolders(root + stateFolder);
      return { name, status: instance === undefined ? undefined : await readStatus(instance) };
    }),
  );
}

/** Ends it, and all that is in it. */
export async function endLab(lab: KeptLab): Promise<void> {
  process.kill(lab.pid, 'SIGTERM');
  for (let waitedMs = 0; isThere(lab.pid); waitedMs += 20) {
    // The first process of a pid namespace takes all others with it.
    if (waitedMs === 3000) process.kill(lab.pid, 'SIGKILL');
    await delay(20);
  }
}

function isThere(pid: number): boolean {
  try {
    // An ended process whose parent has not asked for its code yet is a zombie: nothing of the lab is left in it.
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
