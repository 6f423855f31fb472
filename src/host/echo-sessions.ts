/** The echo sessions of all peers that are asked so, each by its base. Nobody says when such a peer is gone: who is not asked any more is forgotten. */
import type { Subnet } from '../core/subnet.ts';
import { EchoSession } from './echo-session.ts';

/** Every peer is asked far more often, however many there are. */
const KEPT_MS = 3_600_000;

interface Asked {
  readonly subnet: Subnet;
  readonly session: EchoSession;
  atMs: number;
}

export class EchoSessions {
  readonly #asked = new Map<number, Asked>();
  #forgetAtMs = -Infinity;

  /** For a question. */
  to(base: number, subnet: Subnet, nowMs: number): EchoSession {
    this.#forget(nowMs);
    let asked = this.#asked.get(base);
    if (asked?.subnet !== subnet) this.#asked.set(base, (asked = { subnet, session: new EchoSession(), atMs: nowMs }));
    asked.atMs = nowMs;
    return asked.session;
  }

  /** Undefined for one that was not asked. */
  of(base: number): { readonly subnet: Subnet; readonly session: EchoSession } | undefined {
    return this.#asked.get(base);
  }

  #forget(nowMs: number): void {
    if (nowMs < this.#forgetAtMs) return;
    this.#forgetAtMs = nowMs + KEPT_MS;
    for (const [base, { atMs }] of this.#asked) if (nowMs - atMs >= KEPT_MS) this.#asked.delete(base);
  }
}
