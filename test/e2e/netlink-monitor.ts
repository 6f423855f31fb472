/** Every change of a host's kernel state, as `ip monitor` and `bridge monitor` tell them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { eventually } from '../../src/lab/eventually.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { never } from './cluster.ts';

export interface Monitor {
  /** What was told since the last `mark`, up to now. */
  changes(): Promise<readonly string[]>;
  mark(): void;
}

/** TEST-NET-1 (RFC 5737): nobody has a route to it. */
const SENTINEL = '192.0.2';

/** Started, and proven to listen. */
export async function monitor(lab: Lab, host: LabHost): Promise<Monitor> {
  const objects = { ip: ['link', 'address', 'route', 'rule', 'neigh', 'netconf'], bridge: ['fdb'] };
  const files = Object.entries(objects).map(([program, kinds]) => {
    const logFile = path.join(host.folder, `${program}-monitor.txt`);
    const command = program === 'ip' ? ['ip', '-4', 'monitor', ...kinds] : ['bridge', 'monitor', ...kinds];
    lab.start({ name: program, namespace: host.name, command, logFile });
    return logFile;
  });
  const read = (): readonly string[] => files.flatMap((file) => readFileSync(file, 'utf8').split('\n'));
  let sentinels = 0;
  /** A change of ours at the end: when the monitor tells it, it has told all before. */
  const catchUp = async (): Promise<void> => {
    const mark = `${SENTINEL}.${(sentinels += 1)}`;
    await eventually(
      'the monitor listens',
      10_000,
      async () => {
        await host.run(['ip', 'route', 'replace', 'unreachable', mark]);
        await host.run(['ip', 'route', 'delete', 'unreachable', mark]);
        return read().some((line) => line.includes(mark)) ? { found: true } : { missing: 'nothing was told' };
      },
      never,
    );
  };
  await catchUp();
  let seen: readonly number[] = [];
  const mark = (): void => {
    seen = files.map((file) => readFileSync(file, 'utf8').length);
  };
  mark();
  return {
    changes: async () => {
      await catchUp();
      return files.flatMap((file, i) => readFileSync(file, 'utf8').slice(seen[i]).split('\n').filter(isChange));
    },
    mark,
  };
}

/** What the kernel does by itself is no change: reachability of neighbours, and what bridges learn from traffic. */
function isChange(line: string): boolean {
  if (line.trim() === '' || line.includes(SENTINEL)) return false;
  if (/ (REACHABLE|STALE|DELAY|PROBE|INCOMPLETE|FAILED)\s*$/.test(line)) return false;
  return !/ (cni0|veth)/.test(line) || line.includes(' dst ');
}
