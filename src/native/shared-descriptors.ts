/**
 * Descriptors that a thread has open, told to another thread by shared memory: they belong to the process, and a thread that ends without a word (its heap's
 * limit runs no `finally`) would leave them open for ever. Entered after they were opened and taken out before they are closed, so none is closed twice.
 */
import { closeSync } from 'node:fs';

/** A free place. */
const NONE = -1;
/** More than anybody opens; what finds no place is not told of. */
const PLACES = 256;

export class SharedDescriptors {
  readonly memory: SharedArrayBuffer;
  readonly #places: Int32Array;

  /** @param memory of the other thread's; a new one without */
  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(PLACES * Int32Array.BYTES_PER_ELEMENT);
    this.#places = new Int32Array(this.memory);
    if (memory === undefined) this.#places.fill(NONE);
  }

  add(fd: number): void {
    const free = this.#places.indexOf(NONE);
    if (free >= 0) this.#places[free] = fd;
  }

  remove(fd: number): void {
    const place = this.#places.indexOf(fd);
    if (place >= 0) this.#places[place] = NONE;
  }

  /** Once the thread that opened them has ended. */
  closeAll(): void {
    for (const [place, fd] of this.#places.entries()) {
      this.#places[place] = NONE;
      if (fd !== NONE) closeSync(fd);
    }
  }
}
