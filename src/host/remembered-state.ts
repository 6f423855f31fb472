/** The text of `state.json`, and reading and writing it. */
import { readFile } from 'node:fs/promises';
import type { RememberedState } from '../contracts/node-state.ts';
import { WeftError } from '../core/errors.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import { tryMac } from '../core/mac.ts';
import { tryNodeId } from '../core/node-id.ts';
import { trySubnet, type Subnet } from '../core/subnet.ts';
import { writeAtomically } from './atomic-file.ts';
import { fileError, isGone } from './host-errors.ts';

/** Of the file's form; a later daemon that changes the form raises it. */
const FORM = 1;

/** Root alone: it says which subnet to claim again. */
/** 32 bytes in base64url. */
const X25519_KEY = /^[A-Za-z0-9_-]{43}$/;

const MODES = { file: 0o600, directory: 0o700 };

/** Undefined when there is none. @throws WeftError STATE_UNREADABLE, NOT_PERMITTED */
export async function readRemembered(path: string): Promise<RememberedState | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw fileError(`cannot read state file ${path}`, error, 'STATE_UNREADABLE');
  }
  try {
    return parseRemembered(JSON.parse(text));
  } catch (error) {
    throw new WeftError(
      'STATE_UNREADABLE',
      `state file ${path}: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
        hint: `Move ${path} away: the node then keeps its subnet if subnet.env or the store still names it.`,
      },
    );
  }
}

export async function writeRemembered(path: string, state: RememberedState): Promise<void> {
  const text = `${JSON.stringify({ form: FORM, ...state }, undefined, 2)}\n`;
  await writeAtomically(path, text, MODES).catch((error: unknown) => {
    throw fileError(`cannot write state file ${path}`, error);
  });
}

function parseRemembered(value: unknown): RememberedState {
  if (!isJsonObject(value)) throw new Error('expected a JSON object');
  if (value['form'] !== FORM) throw new Error(`"form": expected ${FORM}; a newer weftd may have written it`);
  const incarnation = value['incarnation'];
  if (typeof incarnation !== 'number' || !Number.isSafeInteger(incarnation) || incarnation < 1) {
    throw new Error('"incarnation": expected a whole number from 1');
  }
  const node = optional(value, 'node', tryNodeId);
  if (node === undefined) throw new Error('"node" is missing');
  return stateOf({
    node,
    incarnation,
    network: optional(value, 'network', trySubnet),
    previousNetworks: previousNetworks(value),
    subnet: optional(value, 'subnet', trySubnet),
    vtepMac: optional(value, 'vtepMac', tryMac),
    probeKey: optional(value, 'probeKey', (text) => (X25519_KEY.test(text) ? text : undefined)),
  });
}

/** What is not known is left out, in one order: equal states are equal texts. */
export function stateOf(
  known: { readonly [Name in keyof RememberedState]-?: RememberedState[Name] | undefined } & Pick<
    RememberedState,
    'node' | 'incarnation'
  >,
): RememberedState {
  const { node, incarnation, network, previousNetworks: previous = [], subnet, vtepMac, probeKey } = known;
  return {
    node,
    incarnation,
    ...(network === undefined ? {} : { network }),
    ...(previous.length === 0 ? {} : { previousNetworks: previous }),
    ...(subnet === undefined ? {} : { subnet }),
    ...(vtepMac === undefined ? {} : { vtepMac }),
    ...(probeKey === undefined ? {} : { probeKey }),
  };
}

/** Before there was a list there was one, and none was the Network itself. */
function previousNetworks(value: JsonObject): readonly Subnet[] {
  const list = value['previousNetworks'] ?? [];
  if (!Array.isArray(list)) throw new Error('"previousNetworks": expected a list');
  const read = list.map((each) => {
    const network = typeof each === 'string' ? trySubnet(each) : undefined;
    if (network === undefined) throw new Error(`"previousNetworks": ${JSON.stringify(each)} cannot be read`);
    return network;
  });
  const one = optional(value, 'previousNetwork', trySubnet);
  return one === undefined || one === value['network'] ? read : [...read, one];
}

function optional<T>(object: JsonObject, name: string, read: (text: string) => T | undefined): T | undefined {
  const text = object[name];
  if (text === undefined) return undefined;
  const value = typeof text === 'string' ? read(text) : undefined;
  if (value === undefined) throw new Error(`"${name}": ${JSON.stringify(text)} cannot be read`);
  return value;
}
