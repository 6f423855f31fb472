/**
 * The lab's own door into the emulated account: what has happened, and what shall go wrong. It stands beside the API under a path that
 * AWS does not have, inside the lab alone; it asks for no signature.
 *
 *   GET    journal | counts | state | settings | faults | store-journal
 *   GET    events?since=0                            what EventBridge would have been handed, behind that number
 *   PUT    settings  {"visibilityMs": 3000}          DELETE journal | faults | store-journal
 *   POST   faults    {"kind": "reset-after", "action": "CreateRoute", "times": 1}
 *   POST   rules     [{"effect": "deny", "who": "a1", "action": "CreateRoute"}]
 *   GET    policies
 *   PUT    policies  {"weft-node": [{"Version": "2012-10-17", ...}]}     of roles and users, by name; null takes them away
 *   GET    ids                                      POST keys  {"user": "ann"} or {"role": "node", "session": "test"}
 *   POST   do        {"op": "kill-routes", "interface": "eni-1"}     (lab-operations.ts)
 */
import { readFault } from './call-faults.ts';
import type { EmulatedAws } from './cloud.ts';
import type { Credential } from './credentials.ts';
import { asRecord } from './http-body.ts';
import { operate } from './lab-operations.ts';
import { authorizerOf, readRules } from './permissions.ts';
import { readSettings } from './settings.ts';
import { printIds, printState } from './print-state.ts';

export const CONTROL_PATH = '/_lab/';

export interface ControlAnswer {
  readonly status: number;
  readonly value: unknown;
}

type Door = (cloud: EmulatedAws, body: string, query: URLSearchParams) => unknown;

const DOORS: Readonly<Record<string, Door>> = {
  'GET journal': (cloud) => cloud.journal.entries,
  'GET counts': (cloud) => cloud.journal.counts(),
  'DELETE journal': (cloud) => cloud.journal.clear(),
  'GET store-journal': (cloud) => cloud.storeJournal.entries,
  'DELETE store-journal': (cloud) => cloud.storeJournal.clear(),
  'GET state': (cloud) => printState(cloud.state),
  'GET events': (cloud, _, query) => cloud.events.since(Number(query.get('since') ?? 0)),
  'GET settings': (cloud) => cloud.settings,
  'PUT settings': (cloud, body) => {
    cloud.settings = { ...cloud.settings, ...readSettings(asRecord(JSON.parse(body))) };
    return cloud.settings;
  },
  'GET faults': (cloud) => cloud.faults.standing,
  'POST faults': (cloud, body) => cloud.faults.add(readFault(asRecord(JSON.parse(body)))),
  'DELETE faults': (cloud) => cloud.faults.clear(),
  'POST rules': (cloud, body) => {
    cloud.authorizer = authorizerOf(readRules(JSON.parse(body)));
  },
  'GET ids': (cloud) => printIds(cloud.state),
  'POST keys': (cloud, body) => keysOf(cloud, asRecord(JSON.parse(body))),
  'GET policies': (cloud) => cloud.policies.standing,
  'PUT policies': (cloud, body) => cloud.policies.attach(asRecord(JSON.parse(body))),
  'POST do': (cloud, body) => operate(cloud, asRecord(JSON.parse(body))),
};

/** Variables by which a program is this user, or has this role. */
function keysOf(cloud: EmulatedAws, { user, role, session = 'session' }: Readonly<Record<string, unknown>>): object {
  if (typeof user === 'string') return asVariables(cloud.credentials.add(user));
  if (typeof role !== 'string' || typeof session !== 'string')
    throw new Error('expected "user", or "role" and "session"');
  return asVariables(cloud.credentials.add(`${role}/${session}`, { kind: 'role', name: role, session }));
}

const asVariables = ({ id, secret }: Credential): object => ({ AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret });

export function answerControl(cloud: EmulatedAws, method: string, path: string, body: string): ControlAnswer {
  const [name = '', query = ''] = path.split('?');
  const door = DOORS[`${method} ${name}`];
  if (door === undefined) return { status: 404, value: { error: `no ${method} ${path}`, known: Object.keys(DOORS) } };
  try {
    return { status: 200, value: door(cloud, body, new URLSearchParams(query)) ?? { done: true } };
  } catch (error) {
    return { status: 400, value: { error: error instanceof Error ? error.message : String(error) } };
  }
}
