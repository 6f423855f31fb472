/** Probe messages as bytes, as docs/probe-format.md has them. The authentication is handed in: it needs cryptography. */
import { PATH_NAMES, type PathName } from './path.ts';

/** A request is as long as two answers: whoever makes somebody answer over two paths has sent as much himself. */
export const REQUEST_BYTES = 224;
export const ANSWER_BYTES = 112;

const MAGIC = 0x5745_4654;
const VERSION = 1;
const REQUEST = 1;
const ANSWER = 2;
const SECOND = 1;
const HEADER_BYTES = 32;
const SEAL_BYTES = 16;
const HEARING_BYTES = 8;
const LONGEST_AGE = 0xffff_ffff;

/** On the wire for ever. */
const PATH_IDS: Readonly<Record<PathName, number>> = { direct: 1, fabric: 2, vxlan: 3, udp: 4 };

const pathOf = (id: number): PathName | undefined => PATH_NAMES.find((path) => PATH_IDS[path] === id);

interface Common {
  /** Incarnations: the sender's own, and the receiver's as far as the sender knows it. */
  readonly sender: number;
  readonly receiver: number;
  /** From 1 to 2^32 - 1; an answer has its request's. */
  readonly sequence: number;
}

export interface ProbeRequest extends Common {
  readonly kind: 'request';
  readonly path: PathName;
  /** Asks for the answer over a second path too. */
  readonly second: boolean;
}

/** The last request that was heard on a path, and how long ago. */
export interface Hearing {
  readonly sequence: number;
  readonly ageMs: number;
}

export interface ProbeAnswer extends Common {
  readonly kind: 'answer';
  /** The path that the request arrived on; undefined when it was not the one that it said. */
  readonly arrived: PathName | undefined;
  /** This one travels over another path than the request did. */
  readonly second: boolean;
  /** For how long it has been listening to us: what was sent before says nothing. */
  readonly listeningMs: number;
  readonly heard: ReadonlyMap<PathName, Hearing>;
}

export type ProbeMessage = ProbeRequest | ProbeAnswer;

/** HMAC-SHA256 with the key of the message's direction. */
export type Seal = (bytes: Uint8Array) => Uint8Array;

export function encodeProbe(message: ProbeMessage, seal: Seal): Uint8Array {
  const bytes = new Uint8Array(message.kind === 'request' ? REQUEST_BYTES : ANSWER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint8(4, VERSION);
  view.setUint8(5, message.kind === 'request' ? REQUEST : ANSWER);
  const path = message.kind === 'request' ? message.path : message.arrived;
  view.setUint8(6, path === undefined ? 0 : PATH_IDS[path]);
  view.setUint8(7, message.second ? SECOND : 0);
  view.setBigUint64(8, BigInt(message.sender));
  view.setBigUint64(16, BigInt(message.receiver));
  view.setUint32(24, message.sequence);
  if (message.kind === 'answer') {
    view.setUint32(28, wholeAge(message.listeningMs));
    for (const [name, { sequence, ageMs }] of message.heard) {
      const at = HEADER_BYTES + HEARING_BYTES * (PATH_IDS[name] - 1);
      view.setUint32(at, sequence);
      view.setUint32(at + 4, wholeAge(ageMs));
    }
  }
  const end = bytes.length - SEAL_BYTES;
  bytes.set(seal(bytes.subarray(0, end)).subarray(0, SEAL_BYTES), end);
  return bytes;
}

/** Undefined: no message of this version, or not by whoever has the key. */
export function decodeProbe(bytes: Uint8Array, seal: Seal): ProbeMessage | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length !== REQUEST_BYTES && bytes.length !== ANSWER_BYTES) return undefined;
  if (view.getUint32(0) !== MAGIC || view.getUint8(4) !== VERSION) return undefined;
  const isRequest = bytes.length === REQUEST_BYTES;
  if (view.getUint8(5) !== (isRequest ? REQUEST : ANSWER)) return undefined;
  const end = bytes.length - SEAL_BYTES;
  if (!isEqual(bytes.subarray(end), seal(bytes.subarray(0, end)))) return undefined;

  const path = pathOf(view.getUint8(6));
  const common = {
    sender: Number(view.getBigUint64(8)),
    receiver: Number(view.getBigUint64(16)),
    sequence: view.getUint32(24),
    second: (view.getUint8(7) & SECOND) !== 0,
  };
  if (!isRequest)
    return { kind: 'answer', arrived: path, listeningMs: view.getUint32(28), heard: readHearings(view), ...common };
  return path === undefined ? undefined : { kind: 'request', path, ...common };
}

const wholeAge = (ms: number): number => Math.min(Math.max(0, Math.floor(ms)), LONGEST_AGE);

function readHearings(view: DataView): ReadonlyMap<PathName, Hearing> {
  const heard = new Map<PathName, Hearing>();
  for (const path of PATH_NAMES) {
    const at = HEADER_BYTES + HEARING_BYTES * (PATH_IDS[path] - 1);
    const sequence = view.getUint32(at);
    if (sequence !== 0) heard.set(path, { sequence, ageMs: view.getUint32(at + 4) });
  }
  return heard;
}

/** Takes as long wherever the difference is: time must not tell how much of a forged seal was right. */
function isEqual(given: Uint8Array, right: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < SEAL_BYTES; i++) difference |= (given[i] ?? 0) ^ (right[i] ?? 0);
  return difference === 0;
}
