/**
 * Writes netlink messages one behind the other into one buffer, so that a single send carries many.
 *
 *   nlmsghdr  | length u32 | type u16 | flags u16 | sequence u32 | port u32 |   then the family's own header, then attributes
 *   nlattr    | length u16 | type u16 | value, padded to 4 |
 *
 * Numbers are in the order of the host's CPU, which must be little-endian; addresses and what the headers call __be are in network order.
 */
import { AF_INET, AF_INET6, NLA_F_NESTED, NLM_F_REQUEST } from './constants.ts';
import { familyOf, type IpValue } from './ip-value.ts';

/** No message of ours is longer: a vxlan link with a name of 15 letters takes 150. */
const LONGEST_MESSAGE = 512;

export class MessageWriter {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #start = 0;
  #end = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Bytes written so far, the open message included. */
  get length(): number {
    return this.#end;
  }

  /** Is there room for one more message of any kind? */
  get hasRoom(): boolean {
    return this.#end + LONGEST_MESSAGE <= this.bytes.length;
  }

  clear(): void {
    this.#start = 0;
    this.#end = 0;
  }

  /** Opens a message; whoever opens it closes it with `finish`. */
  begin(type: number, flags: number, sequence: number): void {
    this.#start = this.#end;
    this.u32(0);
    this.u16(type);
    this.u16(flags | NLM_F_REQUEST);
    this.u32(sequence);
    this.u32(0);
  }

  /** Takes back the message that is open. */
  abandon(): void {
    this.#end = this.#start;
  }

  finish(): void {
    this.#view.setUint32(this.#start, this.#end - this.#start, true);
  }

  u8(value: number): void {
    this.#view.setUint8(this.#end, value);
    this.#end += 1;
  }

  u16(value: number): void {
    this.#view.setUint16(this.#end, value, true);
    this.#end += 2;
  }

  u32(value: number): void {
    this.#view.setUint32(this.#end, value, true);
    this.#end += 4;
  }

  attributeU8(type: number, value: number): void {
    this.#attribute(type, 1);
    this.u8(value);
    this.#pad(3);
  }

  /** A 16-bit number in network order (__be16). */
  attributeBe16(type: number, value: number): void {
    this.#attribute(type, 2);
    this.#view.setUint16(this.#end, value, false);
    this.#end += 2;
    this.#pad(2);
  }

  attributeU32(type: number, value: number): void {
    this.#attribute(type, 4);
    this.u32(value);
  }

  attributeFlag(type: number): void {
    this.#attribute(type, 0);
  }

  /** With its closing NUL. ASCII: device names and kinds. */
  attributeText(type: number, text: string): void {
    this.#attribute(type, text.length + 1);
    for (let i = 0; i < text.length; i++) this.u8(text.charCodeAt(i));
    this.u8(0);
    this.#pad((4 - ((text.length + 1) & 3)) & 3);
  }

  attributeIp(type: number, value: IpValue): void {
    if (typeof value === 'number') {
      this.#attribute(type, 4);
      this.#view.setUint32(this.#end, value, false);
      this.#end += 4;
      return;
    }
    this.#attribute(type, 16);
    this.#view.setBigUint64(this.#end, value >> 64n, false);
    this.#view.setBigUint64(this.#end + 8, BigInt.asUintN(64, value), false);
    this.#end += 16;
  }

  /** Six hexadecimal pairs with colons. */
  attributeMac(type: number, mac: string): void {
    this.#attribute(type, 6);
    for (let i = 0; i < 17; i += 3) this.u8((nibble(mac.charCodeAt(i)) << 4) | nibble(mac.charCodeAt(i + 1)));
    this.#pad(2);
  }

  /** Opens an attribute of attributes; close it with `endNest` and what this returned. */
  nest(type: number): number {
    const at = this.#end;
    this.#attribute(type | NLA_F_NESTED, 0);
    return at;
  }

  endNest(at: number): void {
    this.#view.setUint16(at, this.#end - at, true);
  }

  #attribute(type: number, valueBytes: number): void {
    this.u16(4 + valueBytes);
    this.u16(type);
  }

  #pad(bytes: number): void {
    for (let i = 0; i < bytes; i++) this.u8(0);
  }
}

export const afOf = (value: IpValue): number => (familyOf(value) === 4 ? AF_INET : AF_INET6);

/** The value of a hexadecimal digit by its character code. */
const nibble = (code: number): number => (code <= 57 ? code - 48 : (code & 0x1f) + 9);
