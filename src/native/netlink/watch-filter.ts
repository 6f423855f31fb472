/**
 * A classic BPF program (linux/filter.h) for a socket that listens to notifications, so that the kernel drops what would wake us in vain: what our own request
 * socket did, and neighbours on devices that are not ours (on a bridge with many containers ARP never rests).
 */
import { RTM_DELNEIGH, RTM_NEWNEIGH } from './constants.ts';

// linux/bpf_common.h
const LOAD_WORD = 0x20;
const LOAD_HALF = 0x28;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;

// struct nlmsghdr; struct ndmsg behind it
const TYPE_AT = 4;
const PORT_AT = 12;
const NEIGHBOUR_LINK_AT = 20;

/** Jumps reach 255 instructions; with more devices than that the reader sorts out by itself. */
const MOST_LINKS = 200;

/** Loads are in network order, the messages in the host's: compare with the bytes reversed. */
const swapped16 = (value: number): number => ((value & 0xff) << 8) | (value >>> 8);
const swapped32 = (value: number): number => ((swapped16(value & 0xffff) << 16) | swapped16(value >>> 16)) >>> 0;

/** @param links indexes of the devices whose neighbours and forwarding entries matter */
export function watchFilter(ownPort: number, links: readonly number[]): Uint8Array {
  const compared = links.slice(0, MOST_LINKS);
  const drop = 6 + compared.length;
  const pass = drop + 1;
  const program: (readonly [code: number, whenTrue: number, whenFalse: number, value: number])[] = [
    [LOAD_WORD, 0, 0, PORT_AT],
    [JUMP_IF_EQUAL, drop - 2, 0, swapped32(ownPort)],
    [LOAD_HALF, 0, 0, TYPE_AT],
    [JUMP_IF_EQUAL, 1, 0, swapped16(RTM_NEWNEIGH)],
    [JUMP_IF_EQUAL, 0, pass - 5, swapped16(RTM_DELNEIGH)],
    [LOAD_WORD, 0, 0, NEIGHBOUR_LINK_AT],
    ...compared.map((link, i) => [JUMP_IF_EQUAL, pass - (7 + i), 0, swapped32(link)] as const),
    [RETURN, 0, 0, links.length > MOST_LINKS ? 0xffff_ffff : 0],
    [RETURN, 0, 0, 0xffff_ffff],
  ];
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [i, [code, whenTrue, whenFalse, value]] of program.entries()) {
    view.setUint16(8 * i, code, true);
    view.setUint8(8 * i + 2, whenTrue);
    view.setUint8(8 * i + 3, whenFalse);
    view.setUint32(8 * i + 4, value, true);
  }
  return bytes;
}
