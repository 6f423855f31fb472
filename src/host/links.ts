/** Devices by name and index, asked for when first needed and remembered for one look or one batch of changes. */
import { ENODEV } from '../native/kernel-error.ts';
import { RTM_GETLINK } from '../native/netlink/constants.ts';
import { readLink, writeLinkQuery, type LinkMessage } from '../native/netlink/link.ts';
import { isRefusal, type RouteSocket } from '../native/route-socket.ts';
import { refusal } from './kernel-errors.ts';

export class Links {
  readonly #socket: RouteSocket;
  readonly #byName = new Map<string, LinkMessage | undefined>();
  readonly #byIndex = new Map<number, LinkMessage | undefined>();

  constructor(socket: RouteSocket) {
    this.#socket = socket;
  }

  /** Undefined: there is none. Nothing else may wait in the socket. */
  named(name: string): LinkMessage | undefined {
    if (!this.#byName.has(name)) {
      const found = this.#ask(name);
      // The kernel also finds a device by an alternative name.
      this.#byName.set(name, found);
      if (found !== undefined) this.#byIndex.set(found.index, found);
    }
    return this.#byName.get(name);
  }

  at(index: number): LinkMessage | undefined {
    // What has no device, an unreachable route say.
    if (index === 0) return undefined;
    if (!this.#byIndex.has(index)) {
      const found = this.#ask(index);
      this.#byIndex.set(index, found);
      if (found !== undefined) this.#byName.set(found.name, found);
    }
    return this.#byIndex.get(index);
  }

  /** Is the answer for this name here already? */
  knows(name: string): boolean {
    return this.#byName.has(name);
  }

  /** After a device was made, changed or removed. */
  forget(): void {
    this.#byName.clear();
    this.#byIndex.clear();
  }

  #ask(which: string | number): LinkMessage | undefined {
    const answer = this.#socket.query(RTM_GETLINK, (w) => writeLinkQuery(w, which), readLink);
    if (!isRefusal(answer)) return answer;
    if (answer.errno === ENODEV) return undefined;
    throw refusal(`look at device ${which}`, answer.errno, answer.said);
  }
}
