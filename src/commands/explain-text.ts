/** All that a daemon knows of one peer, for people. */
import type { Explanation } from '../agent/explain.ts';
import { age, textFields, textTable } from './text-table.ts';

/** @param nowMs milliseconds since 1970 */
export function explanationText(peer: Explanation, nowMs: number): string {
  const head = textFields([
    ['peer', peer.node ?? 'a plain flanneld'],
    ['subnet', `${peer.subnet} (epoch ${peer.epoch})`],
    ['public IP', peer.publicIP],
    [
      'path',
      `${peer.path} for ${age(nowMs - Date.parse(peer.since))}${peer.before === null ? '' : `, before it ${peer.before}`}`,
    ],
    ['MTU', mtu(peer)],
    ...cloudRoute(peer),
  ]);
  const paths = textTable(
    ['PATH', 'VERDICT', 'WHY'],
    peer.paths.map(({ path, verdict, why }) => [path, verdict, why ?? '']),
  );
  const turns = textTable(
    ['WHEN', 'FROM', 'TO', 'WHY'],
    peer.turns.map(({ at, from, to, why }) => [`${age(nowMs - Date.parse(at))} ago`, from ?? '', to, why]),
  );
  const told = peer.turns.length === 0 ? [head, paths] : [head, paths, turns];
  if (peer.entries.length === 0) return told.join('\n');
  const entries = textTable(
    ['STANDS', 'ON THIS HOST'],
    peer.entries.map(({ entry, stands }) => [stands ? 'yes' : 'NO', entry]),
  );
  return [...told, entries].join('\n');
}

function cloudRoute({ cloudRoute: route }: Explanation): [string, string][] {
  if (route === null) return [];
  const { table, target, epoch, state, why } = route;
  return [
    [
      'cloud route',
      `${state}${why === null ? '' : ` (${why})`}: in ${table} to ${target}, epoch ${epoch}, by the ledger`,
    ],
  ];
}

/** Which of the bounds it is, with the others beside it. */
function mtu({ mtu: sum, path }: Explanation): string {
  if (sum === null) return 'none: no path is taken';
  const { result, overhead, ...bounds } = sum;
  const others = Object.entries(bounds).flatMap(([name, bytes]) =>
    typeof bytes === 'number' ? [`${name} ${bytes}`] : [],
  );
  return `${result}, the smallest of ${others.join(', ')}${overhead === 0 ? '' : ` (${path} takes ${overhead})`}`;
}
