/**
 * Requests to rtnetlink, many in one send.
 *
 *   begin, body, begin, body, ... exchange:   send [request][request]...[no-op that asks for an acknowledgement]
 *                                             read  answers and errors, each with its request's sequence, until the no-op's acknowledgement
 *
 * The kernel works through a send in order and before it returns, and acknowledges the no-op last (netlink_rcv_skb). So what has no error by then is done,
 * and thousands of acknowledgements that say "done" are neither made nor read.
 */
import { EINTR, EMSGSIZE, ENOBUFS, KernelError } from './kernel-error.ts';
import { acknowledgedErrno, acknowledgedWords } from './netlink/acknowledgement.ts';
import {
  NETLINK_ROUTE,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
} from './netlink/constants.ts';
import { MessageReader } from './netlink/message-reader.ts';
import { MessageWriter } from './netlink/message-writer.ts';
import { NetlinkSocket } from './netlink-socket.ts';

/** Keeps the event loop free: the kernel takes 5 to 25 µs for a request. */
const MOST_REQUESTS = 256;
/** What one error costs of the receive buffer at most: message, the kernel's words, and the kernel's own book-keeping (truesize). */
const ERROR_BYTES = 2048;
const RECEIVE_BYTES = 1 << 20;
const SEND_BYTES = 1 << 17;
/** Dumps come in pieces of at most 32 KiB (netlink_dump). */
const DATAGRAM_BYTES = 1 << 16;
/** A dump during which something changed is taken anew; a kernel that changes all the time is not waited for. */
const DUMP_TRIES = 20;

/** A request that was refused; `request` counts from 0 in the exchange. */
export interface Refusal {
  readonly request: number;
  readonly errno: number;
  /** The kernel's own words, or empty. */
  readonly said: string;
}

export class RouteSocket {
  readonly #socket: NetlinkSocket;
  readonly #writer = new MessageWriter(SEND_BYTES / 2);
  readonly #reader = new MessageReader(new Uint8Array(DATAGRAM_BYTES));
  readonly #most: number;
  /** Sequence of the exchange's first request. */
  #first = 1;
  #count = 0;

  /**
   * @param protocol another family may be dumped as well; `exchange` is rtnetlink's
   * @throws KernelError; Error when koffi cannot be loaded
   */
  constructor(protocol = NETLINK_ROUTE) {
    this.#socket = new NetlinkSocket(protocol, { receiveBytes: RECEIVE_BYTES, sendBytes: SEND_BYTES });
    this.#most = Math.max(1, Math.min(MOST_REQUESTS, Math.floor(this.#socket.receiveBytes / ERROR_BYTES)));
  }

  get port(): number {
    return this.#socket.port;
  }

  /** Requests that wait for `exchange`. */
  get waiting(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count >= this.#most || !this.#writer.hasRoom;
  }

  /** Adds a request; its body is written by `body`. Not when `full`. */
  add(type: number, flags: number, body: (w: MessageWriter) => void): void {
    this.#writer.begin(type, flags, this.#first + this.#count);
    try {
      body(this.#writer);
    } catch (error) {
      this.#writer.abandon();
      throw error;
    }
    this.#writer.finish();
    this.#count += 1;
  }

  /**
   * Sends what was added and returns what was refused, in order. `answer` is called for what queries yield, with the message and its request's number.
   * @throws KernelError when the socket itself fails: then it is not known what was done.
   */
  exchange(answer?: (message: MessageReader, request: number) => void): Refusal[] {
    const refused: Refusal[] = [];
    const first = this.#first;
    const last = first + this.#count;
    this.#send(NLMSG_NOOP, NLM_F_ACK);
    for (;;) {
      const m = this.#receive();
      while (m.next()) {
        if (m.sequence === last && m.type === NLMSG_ERROR) return refused;
        const request = m.sequence - first;
        // What an exchange that broke off left behind is not ours.
        if (request < 0 || request >= last - first) continue;
        if (m.type !== NLMSG_ERROR) answer?.(m, request);
        else if (acknowledgedErrno(m) !== 0) {
          refused.push({ request, errno: acknowledgedErrno(m), said: acknowledgedWords(m) });
        }
      }
    }
  }

  /** The one answer to a query, or why there is none. Nothing else may wait. */
  query<T>(type: number, body: (w: MessageWriter) => void, read: (m: MessageReader) => T): T | Refusal | undefined {
    this.#mustBeIdle();
    let found: T | undefined;
    this.add(type, 0, body);
    const [refused] = this.exchange((m) => (found = read(m)));
    return refused ?? found;
  }

  /** All of a table. `read` returns undefined for what is not wanted. Nothing else may wait. @throws KernelError */
  dump<T>(type: number, body: (w: MessageWriter) => void, read: (m: MessageReader) => T | undefined): T[] {
    this.#mustBeIdle();
    for (let tries = 0; tries < DUMP_TRIES; tries++) {
      const found = this.#dumpOnce(type, body, read);
      if (found !== undefined) return found;
    }
    throw new KernelError(`netlink dump ${type}: changed ${DUMP_TRIES} times while it was read`, EINTR);
  }

  close(): void {
    this.#socket.close();
  }

  /** Undefined when something changed meanwhile (NLM_F_DUMP_INTR): the list may lack what stands. */
  #dumpOnce<T>(
    type: number,
    body: (w: MessageWriter) => void,
    read: (m: MessageReader) => T | undefined,
  ): T[] | undefined {
    const found: T[] = [];
    const sequence = this.#first + this.#count;
    let whole = true;
    this.#send(type, NLM_F_DUMP, body);
    for (;;) {
      const m = this.#receive();
      while (m.next()) {
        if (m.sequence !== sequence) continue;
        if ((m.flags & NLM_F_DUMP_INTR) !== 0) whole = false;
        if (m.type === NLMSG_DONE || m.type === NLMSG_ERROR) {
          const errno = acknowledgedErrno(m);
          if (errno !== 0) throw new KernelError(`netlink dump ${type}`, errno, acknowledgedWords(m));
          return whole ? found : undefined;
        }
        const value = read(m);
        if (value !== undefined) found.push(value);
      }
    }
  }

  /** Whose requests wait would lose their outcomes to whoever asks in between. */
  #mustBeIdle(): void {
    if (this.#count > 0) throw new Error(`${this.#count} requests to the kernel wait for their exchange`);
  }

  /** Closes the batch with one more message and sends it all. */
  #send(type: number, flags: number, body?: (w: MessageWriter) => void): void {
    try {
      this.#writer.begin(type, flags, this.#first + this.#count);
      body?.(this.#writer);
      this.#writer.finish();
      this.#socket.send(this.#writer.bytes, this.#writer.length);
    } finally {
      // Sequences are 32 bits; they start over long before.
      this.#first = this.#first > 0x7000_0000 ? 1 : this.#first + this.#count + 1;
      this.#count = 0;
      this.#writer.clear();
    }
  }

  #receive(): MessageReader {
    let length: number | undefined;
    try {
      length = this.#socket.receive(this.#reader.bytes);
    } catch (error) {
      this.#drain();
      throw error;
    }
    // Answers are queued before the send returns, so none is one that was dropped.
    if (length === undefined) throw new KernelError('netlink answer', ENOBUFS);
    this.#reader.open(length);
    return this.#reader;
  }

  /** What is left of an exchange or a dump that broke off: the kernel starts no dump while one is unread. */
  #drain(): void {
    for (;;) {
      try {
        if (this.#socket.receive(this.#reader.bytes) === undefined) return;
      } catch (error) {
        if (!(error instanceof KernelError) || (error.errno !== ENOBUFS && error.errno !== EMSGSIZE)) return;
      }
    }
  }
}

export const isRefusal = (value: unknown): value is Refusal =>
  typeof value === 'object' && value !== null && 'errno' in value;
