/** Walks over the netlink messages of one datagram, and over the attributes of a message, in place. */
import { NLA_TYPE_MASK } from './constants.ts';
import type { IpValue } from './ip-value.ts';

const HEADER_BYTES = 16;
const align = (length: number): number => (length + 3) & ~3;

/** `00` to `ff`. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The attribute under the cursor. Valid until the buffer is received into again. */
export class AttributeCursor {
  readonly #view: DataView;
  #next = 0;
  #limit = 0;
  type = 0;
  start = 0;
  end = 0;

  constructor(view: DataView) {
    this.#view = view;
  }

  /** Before the first of the attributes between two offsets. */
  open(start: number, end: number): void {
    this.#next = start;
    this.#limit = end;
  }

  next(): boolean {
    if (this.#next + 4 > this.#limit) return false;
    const length = this.#view.getUint16(this.#next, true);
    if (length < 4 || this.#next + length > this.#limit) return false;
    this.type = this.#view.getUint16(this.#next + 2, true) & NLA_TYPE_MASK;
    this.start = this.#next + 4;
    this.end = this.#next + length;
    this.#next += align(length);
    return true;
  }

  get bytes(): number {
    return this.end - this.start;
  }

  u8(): number {
    return this.#view.getUint8(this.start);
  }

  be16(): number {
    return this.#view.getUint16(this.start, false);
  }

  u32(): number {
    return this.#view.getUint32(this.start, true);
  }

  ip(): IpValue {
    if (this.bytes === 4) return this.#view.getUint32(this.start, false);
    return (this.#view.getBigUint64(this.start, false) << 64n) | this.#view.getBigUint64(this.start + 8, false);
  }

  /** Undefined when it is no Ethernet address: tunnels have addresses of 4 bytes, InfiniBand of 20. */
  mac(): string | undefined {
    if (this.bytes !== 6) return undefined;
    const octet = (i: number): string => HEX[this.#view.getUint8(this.start + i)] ?? '';
    return `${octet(0)}:${octet(1)}:${octet(2)}:${octet(3)}:${octet(4)}:${octet(5)}`;
  }

  /** Up to the closing NUL. */
  text(): string {
    let text = '';
    for (let at = this.start; at < this.end; at++) {
      const code = this.#view.getUint8(at);
      if (code === 0) break;
      text += String.fromCharCode(code);
    }
    return text;
  }
}

/** The message under the cursor. Valid until the buffer is received into again. */
export class MessageReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** For the attributes of the message, and for those inside one of them. */
  readonly attributes: AttributeCursor;
  readonly nested: AttributeCursor;
  type = 0;
  flags = 0;
  sequence = 0;
  port = 0;
  /** Where the family's own header begins, and the message ends. */
  start = 0;
  end = 0;
  #next = 0;
  #limit = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.attributes = new AttributeCursor(this.view);
    this.nested = new AttributeCursor(this.view);
  }

  /** Before the first message of a datagram of this length. */
  open(length: number): void {
    this.#next = 0;
    this.#limit = length;
  }

  next(): boolean {
    if (this.#next + HEADER_BYTES > this.#limit) return false;
    const length = this.view.getUint32(this.#next, true);
    if (length < HEADER_BYTES || this.#next + length > this.#limit) return false;
    this.type = this.view.getUint16(this.#next + 4, true);
    this.flags = this.view.getUint16(this.#next + 6, true);
    this.sequence = this.view.getUint32(this.#next + 8, true);
    this.port = this.view.getUint32(this.#next + 12, true);
    this.start = this.#next + HEADER_BYTES;
    this.end = this.#next + length;
    this.#next += align(length);
    return true;
  }

  /** Before the attributes that follow the family's own header of so many bytes. */
  openAttributes(headerBytes: number): AttributeCursor {
    this.attributes.open(this.start + align(headerBytes), this.end);
    return this.attributes;
  }

  u8(offset: number): number {
    return this.view.getUint8(this.start + offset);
  }

  u16(offset: number): number {
    return this.view.getUint16(this.start + offset, true);
  }

  u32(offset: number): number {
    return this.view.getUint32(this.start + offset, true);
  }

  i32(offset: number): number {
    return this.view.getInt32(this.start + offset, true);
  }
}
