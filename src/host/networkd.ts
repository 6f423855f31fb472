/**
 * systemd-networkd removes routes that it did not make whenever it starts (networkd.conf(5)), and may take up our tunnel devices by
 * a catch-all .network file. Drop-ins in /run tell it not to; they are gone with the next boot, as all else of ours.
 */
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { Finding } from '../core/finding.ts';
import type { HostFile } from '../core/host-entry.ts';

/** Ahead of the distribution's and the administrator's own .network files: of those that match a device, the first counts. */
const networkFile = (instance: string): string => `/run/systemd/network/05-weft-${instance}.network`;
/** In the range that networkd.conf(5) leaves to files of /etc and /run; the administrator's may come behind and count for more. */
const settingsFile = (instance: string): string => `/run/systemd/networkd.conf.d/60-weft-${instance}.conf`;

/** All drop-ins that there may be of an instance. */
export const networkdPaths = (instance: string): string[] => [settingsFile(instance), networkFile(instance)];

const SETTINGS = `# Weft's routes stand beside those of systemd-networkd.
[Network]
ManageForeignRoutes=no
`;

/**
 * Does networkd manage the network namespace that we are in? Its state file tells that it runs, or has run since boot; the folder alone is also on
 * hosts that never start it. In a namespace of our own (a lab, a container) the host's networkd is no concern of ours.
 */
function managesUs(root: string): boolean {
  if (!existsSync(`${root}/run/systemd/netif/state`)) return false;
  try {
    return readlinkSync(`${root}/proc/self/ns/net`) === readlinkSync(`${root}/proc/1/ns/net`);
  } catch {
    // Only root may look at process 1's: without that right there is nothing we could do either.
    return false;
  }
}

/** The drop-ins of one instance, whose names are its own so that two daemons do not share files. None where networkd manages nothing of ours. */
export function networkdFiles(instance: string, links: readonly string[], root = ''): HostFile[] {
  if (!managesUs(root)) return [];
  const settings: HostFile = { kind: 'file', path: `${root}${settingsFile(instance)}`, text: SETTINGS };
  if (links.length === 0) return [settings];
  const text = `# Weft's own devices.\n[Match]\nName=${links.join(' ')}\n\n[Link]\nUnmanaged=yes\n`;
  return [settings, { kind: 'file', path: `${root}${networkFile(instance)}`, text }];
}

/** The process id of the running networkd: systemd keeps each service in a control group of its own, in either hierarchy. */
function networkdPid(root: string): number | undefined {
  for (const hierarchy of ['/sys/fs/cgroup', '/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified']) {
    try {
      const text = readFileSync(`${root}${hierarchy}/system.slice/systemd-networkd.service/cgroup.procs`, 'utf8');
      const pid = Number.parseInt(text, 10);
      if (pid > 0) return pid;
    } catch {
      // Not this hierarchy, or networkd does not run.
    }
  }
  return undefined;
}

/** USER_HZ: the unit of times in /proc, the same on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** When a process started, in milliseconds of the wall clock (proc_pid_stat(5), field 22; proc_stat(5), btime). */
function startedAtMs(pid: number, root: string): number | undefined {
  try {
    const stat = readFileSync(`${root}/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    const boot = Number(/^btime ([0-9]+)$/m.exec(readFileSync(`${root}/proc/stat`, 'utf8'))?.[1]);
    const startedAt = boot * 1000 + (ticks * 1000) / TICKS_PER_SECOND;
    return Number.isFinite(startedAt) ? startedAt : undefined;
  } catch {
    return undefined;
  }
}

/** networkd reads networkd.conf only when it starts: one that is older than our drop-in still removes what is ours at its next chance. */
export function networkdFindings(instance: string, root = ''): Finding[] {
  const path = `${root}${settingsFile(instance)}`;
  const pid = networkdPid(root);
  const startedAt = pid === undefined ? undefined : startedAtMs(pid, root);
  const writtenAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  if (startedAt === undefined || writtenAt === undefined || startedAt >= writtenAt) return [];
  return [
    {
      code: 'NETWORKD_RESTART',
      message: `systemd-networkd (process ${pid}) has been running since before ${path} was written and may remove routes of ours: run "systemctl restart systemd-networkd"`,
    },
  ];
}
