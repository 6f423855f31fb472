/** Waits until one of several descriptors can be read: poll(2). Blocks the thread. */
import { EINTR, KernelError } from './kernel-error.ts';
import { libc } from './libc.ts';

/** asm-generic/poll.h. Errors are reported unasked, and reading tells which. */
const POLLIN = 1;
/** struct pollfd: fd i32, events i16, revents i16. */
const POLLFD_BYTES = 8;

export class Readiness {
  readonly #count: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(fds: readonly number[]) {
    this.#count = fds.length;
    this.#bytes = new Uint8Array(POLLFD_BYTES * fds.length);
    this.#view = new DataView(this.#bytes.buffer);
    for (const [i, fd] of fds.entries()) {
      this.#view.setInt32(POLLFD_BYTES * i, fd, true);
      this.#view.setInt16(POLLFD_BYTES * i + 4, POLLIN, true);
    }
  }

  wait(timeoutMs: number): void {
    if (libc().poll(this.#bytes, this.#count, timeoutMs) >= 0) return;
    const errno = libc().errno();
    // A signal came: as if the time were over.
    for (let i = 0; i < this.#count; i++) this.#view.setInt16(POLLFD_BYTES * i + 6, 0, true);
    if (errno !== EINTR) throw new KernelError('poll', errno);
  }

  /** By its place in the list. */
  isReady(place: number): boolean {
    return this.#view.getInt16(POLLFD_BYTES * place + 6, true) !== 0;
  }
}
