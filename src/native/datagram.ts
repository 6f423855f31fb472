/** Receives one datagram at a time with what the kernel knows of it: recvmsg(2). IPv4. */
import { EAGAIN, EINTR, KernelError } from './kernel-error.ts';
import { libc } from './libc.ts';
import { MSG_DONTWAIT } from './netlink/constants.ts';

/** linux/in.h */
const SOL_IP = 0;
const IP_PKTINFO = 8;

const DATA_BYTES = 2048;
const NAME_BYTES = 16;
const CONTROL_BYTES = 64;
/** struct msghdr and struct iovec with words of 8 bytes; shorter with 4. */
const HEADER_BYTES = 64;
const IOVEC_BYTES = 16;

/** Valid until the next one is received. */
export interface Datagram {
  readonly bytes: Uint8Array;
  /** The sender's address as an unsigned number, and its port; 0 for raw sockets. */
  readonly from: number;
  readonly port: number;
  /** Index of the device that it came in by; 0 when the socket does not tell (IP_PKTINFO). */
  readonly link: number;
}

/** One for each thread: its memory lives as long as the process. */
export class DatagramReader {
  readonly #header: bigint;
  readonly #data: Uint8Array;
  readonly #name: DataView;
  readonly #control: DataView;
  readonly #view: DataView;
  readonly #word = libc().wordBytes;
  readonly #controlAt: number;

  constructor() {
    const { address, bytes } = libc().allocate(HEADER_BYTES + IOVEC_BYTES + NAME_BYTES + CONTROL_BYTES + DATA_BYTES);
    const nameAt = HEADER_BYTES + IOVEC_BYTES;
    const controlAt = nameAt + NAME_BYTES;
    const dataAt = controlAt + CONTROL_BYTES;
    this.#header = address;
    this.#view = new DataView(bytes.buffer, 0, nameAt);
    this.#name = new DataView(bytes.buffer, nameAt, NAME_BYTES);
    this.#control = new DataView(bytes.buffer, controlAt, CONTROL_BYTES);
    this.#data = bytes.subarray(dataAt);
    // name, namelen (an int in the space of a word), iov, iovlen, control, controllen, flags
    const w = this.#word;
    this.#setWord(0, address + BigInt(nameAt));
    this.#setWord(2 * w, address + BigInt(HEADER_BYTES));
    this.#setWord(3 * w, 1n);
    this.#setWord(4 * w, address + BigInt(controlAt));
    this.#controlAt = 5 * w;
    this.#setWord(HEADER_BYTES, address + BigInt(dataAt));
    this.#setWord(HEADER_BYTES + w, BigInt(DATA_BYTES));
  }

  /** Undefined when there is none. @throws KernelError */
  receive(fd: number): Datagram | undefined {
    for (;;) {
      this.#setWord(this.#word, BigInt(NAME_BYTES));
      this.#setWord(this.#controlAt, BigInt(CONTROL_BYTES));
      const length = libc().recvmsg(fd, this.#header, MSG_DONTWAIT);
      if (length >= 0) {
        return {
          bytes: this.#data.subarray(0, length),
          from: this.#name.getUint32(4),
          port: this.#name.getUint16(2),
          link: this.#link(),
        };
      }
      const errno = libc().errno();
      if (errno === EAGAIN) return undefined;
      if (errno !== EINTR) throw new KernelError('recvmsg', errno);
    }
  }

  /** struct cmsghdr: length (a word), level i32, type i32; then struct in_pktinfo: index i32, two addresses. Only this one was asked for. */
  #link(): number {
    const w = this.#word;
    const told = this.#view.getUint32(this.#controlAt, true);
    if (told < w + 12) return 0;
    const isIt = this.#control.getInt32(w, true) === SOL_IP && this.#control.getInt32(w + 4, true) === IP_PKTINFO;
    return isIt ? this.#control.getInt32(w + 8, true) : 0;
  }

  #setWord(at: number, value: bigint): void {
    if (this.#word === 8) this.#view.setBigUint64(at, value, true);
    else this.#view.setUint32(at, Number(value), true);
  }
}
