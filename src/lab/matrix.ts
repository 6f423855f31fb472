/** Every container pings every other, and each sending host says which path it takes. */
import type { Status } from '../core/status.ts';
import type { LabHost } from './lab-host.ts';
import { padded, type Colour, type Paint } from './paint.ts';
import type { Pinger } from './pinger.ts';

/** A member of the JSON report. */
export interface PairResult {
  readonly from: string;
  readonly to: string;
  /** By the sending host's status; `unknown` when it names none for this subnet. */
  readonly path: string;
  /** Every ping was answered. */
  readonly ok: boolean;
  /** Median; null when none was answered. */
  readonly rttMs: number | null;
}

const PINGS = 5;

export async function pingAllPairs(hosts: readonly LabHost[], pinger: Pinger): Promise<PairResult[]> {
  const statuses = new Map(await Promise.all(hosts.map(async (host) => [host, await statusOf(host)] as const)));
  const pairs = hosts.flatMap((from) => hosts.filter((to) => to !== from).map((to) => ({ from, to })));
  return await Promise.all(
    pairs.map(async ({ from, to }) => {
      const { sent, answered, rttMs } = await pinger.ping(from.container.name, to.container.address, PINGS);
      const peer = statuses.get(from)?.peers.find(({ subnet }) => subnet === to.container.subnet);
      return {
        from: from.name,
        to: to.name,
        path: peer?.path ?? 'unknown',
        ok: sent === PINGS && answered === PINGS,
        rttMs: rttMs === null ? null : Math.round(rttMs * 1000) / 1000,
      };
    }),
  );
}

/** A daemon that runs has something to say, if late; a host may have none. */
async function statusOf(host: LabHost): Promise<Status | undefined> {
  if (host.daemon === undefined || host.daemon.ending !== undefined) return await host.status();
  return await host.await('says by which path it sends', (status) => status, new AbortController().signal);
}

const PATH_COLOURS: Readonly<Record<string, Colour>> = {
  direct: 'green',
  fabric: 'blue',
  vxlan: 'magenta',
  udp: 'yellow',
};

const CELL = 16;

export function drawMatrix(pairs: readonly PairResult[], paint: Paint): readonly string[] {
  const names = [...new Set(pairs.map(({ from }) => from))];
  const head = `  ${padded(paint('dim', 'from \\ to'), 12)}${names.map((name) => padded(paint('bold', name), CELL)).join('')}`;
  const rows = names.map((from) => {
    const cells = names.map((to) => {
      const pair = pairs.find((it) => it.from === from && it.to === to);
      if (pair === undefined) return padded(paint('dim', '·'), CELL);
      if (!pair.ok) return padded(paint('red', `${pair.path} ✘`), CELL);
      const rtt = paint('dim', `${(pair.rttMs ?? 0).toFixed(2)} ms`);
      return padded(`${paint(PATH_COLOURS[pair.path] ?? 'red', pair.path)} ${rtt}`, CELL);
    });
    return `  ${padded(paint('bold', from), 12)}${cells.join('')}`;
  });
  return [head, ...rows].map((line) => line.trimEnd());
}

export const failedPairs = (pairs: readonly PairResult[]): string =>
  pairs
    .filter(({ ok }) => !ok)
    .map(({ from, to, path }) => `${from} does not reach ${to} (${path})`)
    .join(', ') || 'all are';
