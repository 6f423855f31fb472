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

/** A program that tells of changes, a line each, and a change of ours that it tells of: nobody else uses these addresses. */
interface Teller {
  readonly file: string;
  readonly command: readonly string[];
  /** RFC 2544: for benchmarks; and of those that everybody may give (RFC 7042, 2.1). Many: a test that waits for a change looks often. */
  readonly sentinel: RegExp;
  provoke(number: number): Promise<string>;
}

const octet = (value: number): string => value.toString(16).padStart(2, '0');

/** Started, and proven to listen. */
export async function monitor(lab: Lab, host: LabHost): Promise<Monitor> {
  const tellers: readonly Teller[] = [
    {
      file: path.join(host.folder, 'ip-monitor.txt'),
      command: ['ip', '-o', '-4', 'monitor', 'link', 'address', 'route', 'rule', 'neigh', 'netconf'],
      sentinel: /198\.18\.\d+\.\d+/,
      provoke: async (number) => {
        const address = `198.18.${number >> 8}.${number & 0xff}`;
        await host.run(['ip', 'route', 'replace', 'unreachable', address]);
        await host.run(['ip', 'route', 'delete', 'unreachable', address]);
        return `${address} `;
      },
    },
    {
      file: path.join(host.folder, 'bridge-monitor.txt'),
      command: ['bridge', 'monitor', 'fdb'],
      sentinel: /02:00:5e:53:/,
      provoke: async (number) => {
        const mac = `02:00:5e:53:${octet(number >> 8)}:${octet(number & 0xff)}`;
        await host.run(['bridge', 'fdb', 'replace', mac, 'dev', 'cni0', 'self', 'local']);
        await host.run(['bridge', 'fdb', 'delete', mac, 'dev', 'cni0', 'self']);
        return mac;
      },
    },
  ];
  for (const { file, command } of tellers) {
    lab.start({ name: path.basename(file), namespace: host.name, command, logFile: file });
  }
  let provoked = 0;
  /** When a change of ours is told, all before it has been. */
  const catchUp = async (): Promise<void> => {
    await eventually(
      'the monitors listen',
      60_000,
      async () => {
        provoked += 1;
        const told = await Promise.all(
          tellers.map(async ({ file, provoke }) => {
            const mark = await provoke(provoked);
            return readFileSync(file, 'utf8').includes(mark);
          }),
        );
        return told.every(Boolean) ? { found: true } : { missing: told.join() };
      },
      never,
    );
  };
  await catchUp();
  let seen: readonly number[] = [];
  const mark = (): void => {
    seen = tellers.map(({ file }) => readFileSync(file, 'utf8').length);
  };
  mark();
  return {
    changes: async () => {
      await catchUp();
      return tellers.flatMap(({ file, sentinel }, i) =>
        readFileSync(file, 'utf8')
          .slice(seen[i])
          .split('\n')
          .filter((line) => isChange(line) && !sentinel.test(line)),
      );
    },
    mark,
  };
}

/**
 * What the kernel does by itself is no change: reachability of neighbours, what bridges learn from traffic, and the carrier of a TUN device, which it has while a program holds it
 * (tun_attach, tun_detach). That the device is gone, or another one, is one.
 */
function isChange(line: string): boolean {
  if (line.trim() === '') return false;
  if (/^\d+: (flannel0|weft\.udp\d+): <.*\bPOINTOPOINT\b/.test(line)) return false;
  if (/^Deleted 0\.0\.0\.0 dev (flannel0|weft\.udp\d+) .*NOARP/.test(line)) return false;
  if (/ (REACHABLE|STALE|DELAY|PROBE|INCOMPLETE|FAILED)\s*$/.test(line)) return false;
  return !/ (cni0|veth)/.test(line) || line.includes(' dst ');
}
