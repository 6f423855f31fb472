/** Where a store is, as people write it: `dynamodb://TABLE[?network=ID&region=R&poll=1s]`. */
import { tryDuration } from '../../src/core/duration.ts';
import { WeftError } from '../../src/core/errors.ts';
import { probablyMeant } from '../../src/core/nearest.ts';
import { shownUrl } from '../../src/core/shown-url.ts';
import type { Pace } from './feed.ts';
import { TABLE_NAME_FORM } from './table.ts';

export interface Location {
  readonly table: string;
  /** Several networks share a table; each has its own. */
  readonly network: string;
  /** Undefined: as AWS_REGION or the machine says. */
  readonly region: string | undefined;
  readonly pace: Pace;
}

export const DEFAULT_NETWORK = 'default';

/** One read unit a look: 1,000 nodes at 10 s cost 16 dollars a month (CLOUD.md 3), and a change is seen after 10 s at most, 1 s while things change. */
const DEFAULT_PACE: Pace = { fastMs: 1000, slowMs: 10_000 };
const KNOWN = ['network', 'region', 'poll'];
const NETWORK_FORM = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const REGION_FORM = /^[a-z]{2,}(-[a-z0-9]+)+$/;
const POLL = { leastMs: 50, mostMs: 10 * 60_000 };

/** @throws WeftError BAD_OPTION */
export function parseUrl(text: string): Location {
  const bad = (why: string, hint = 'expected dynamodb://TABLE[?network=ID&region=REGION&poll=1s]'): WeftError =>
    new WeftError('BAD_OPTION', `store "${shownUrl(text)}": ${why}`, { hint });
  const match = /^dynamodb:\/\/([^/?#]*)\/?(?:\?([^#]*))?$/.exec(text);
  if (match === null) throw bad('not of the form dynamodb://TABLE');
  const table = decoded(match[1] ?? '');
  if (table === undefined || !TABLE_NAME_FORM.test(table))
    throw bad(`"${shownUrl(match[1] ?? '')}" is no table name: 3 to 255 letters, digits, dots, dashes or underscores`);
  const given = new URLSearchParams(match[2] ?? '');
  for (const name of new Set(given.keys())) {
    const meant = probablyMeant(name, KNOWN);
    if (!KNOWN.includes(name))
      throw bad(
        `unknown setting "${name}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
        `known are ${KNOWN.join(', ')}`,
      );
    if (given.getAll(name).length > 1) throw bad(`"${name}" is given more than once`);
  }
  const network = given.get('network') ?? DEFAULT_NETWORK;
  if (!NETWORK_FORM.test(network))
    throw bad(
      `network "${network}": expected 1 to 64 letters, digits, dots, dashes or underscores, the first a letter or digit`,
    );
  const region = given.get('region') ?? undefined;
  if (region !== undefined && !REGION_FORM.test(region))
    throw bad(`region "${region}" is none: expected one like eu-central-1`);
  return { table, network, region, pace: readPace(given.get('poll'), bad) };
}

/** The same for every way to write the same store. */
export function identityOf({ table, network, region }: Location): string {
  return `dynamodb://${table}?network=${network}${region === undefined ? '' : `&region=${region}`}`;
}

/** `poll` is the longest that a change may stay unseen; while things change it is a second at most. */
function readPace(poll: string | null, bad: (why: string, hint?: string) => WeftError): Pace {
  if (poll === null) return DEFAULT_PACE;
  const slowMs = tryDuration(poll);
  if (slowMs === undefined) throw bad(`poll "${poll}" is no duration`, 'expected one like 500ms, 1s or 1m');
  if (slowMs < POLL.leastMs || slowMs > POLL.mostMs) throw bad(`poll "${poll}": expected ${POLL.leastMs}ms to 10m`);
  return { fastMs: Math.min(DEFAULT_PACE.fastMs, slowMs), slowMs };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
