/** Keys of probes, as docs/probe-format.md has them: X25519, HKDF-SHA256, HMAC-SHA256. */
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import type { NodeId } from '../core/node-id.ts';
import type { Seal } from '../core/probe-message.ts';

const SALT = 'weft probe 1';
const KEY_BYTES = 32;
/** PKCS 8 around the 32 bytes of a private key (RFC 8410, section 7). */
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** A fresh private key, base64url. */
export const newProbeKey = (): string => ownPart(generateKeyPairSync('x25519').privateKey, 'd');

export const publicProbeKey = (privateKey: string): string => ownPart(createPublicKey(readPrivate(privateKey)), 'x');

function ownPart(key: KeyObject, part: 'd' | 'x'): string {
  const text = key.export({ format: 'jwk' })[part];
  if (text === undefined) throw new Error('no X25519 key');
  return text;
}

const readPrivate = (text: string): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([PKCS8, Buffer.from(text, 'base64url')]),
    format: 'der',
    type: 'pkcs8',
  });

/** Seals of the two directions of a pair. */
export interface PairSeals {
  readonly out: Seal;
  readonly in: Seal;
}

interface Party {
  readonly node: NodeId;
  readonly key: string;
}

/** Undefined for a key that no honest node has: the secret would be all zeros (RFC 7748, section 6.1). */
export function pairSeals(privateKey: string, own: Party, peer: Party): PairSeals | undefined {
  let secret: Buffer;
  try {
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: peer.key }, format: 'jwk' });
    secret = diffieHellman({ privateKey: readPrivate(privateKey), publicKey });
  } catch {
    return undefined;
  }
  const isLower = Buffer.compare(rawKey(own), rawKey(peer)) < 0;
  const [lower, higher] = isLower ? [own, peer] : [peer, own];
  const info = Buffer.concat([rawKey(lower), rawKey(higher), name(lower), name(higher)]);
  const keys = Buffer.from(hkdfSync('sha256', secret, SALT, info, 2 * KEY_BYTES));
  const [up, down] = [sealWith(keys.subarray(0, KEY_BYTES)), sealWith(keys.subarray(KEY_BYTES))];
  return isLower ? { out: up, in: down } : { out: down, in: up };
}

const rawKey = ({ key }: Party): Buffer => Buffer.from(key, 'base64url');

function name({ node }: Party): Buffer {
  const text = Buffer.from(node);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length);
  return Buffer.concat([length, text]);
}

function sealWith(bytes: Buffer): Seal {
  const key = createSecretKey(bytes);
  return (message) => createHmac('sha256', key).update(message).digest();
}
