/** Access keys: fixed ones for people and tests, and those that an instance's role gets from the metadata server, which end. */
import { createHash } from 'node:crypto';
import type { Principal } from './iam/principal.ts';

export interface Credential {
  readonly id: string;
  readonly secret: string;
  /** Who signs with it, as the journal says. */
  readonly who: string;
  /** Whose policies hold for it. */
  readonly principal: Principal;
  /** Of role credentials. */
  readonly token?: string;
  readonly expiresAt?: number;
}

/** A role's next credentials are there this long before its old ones end. */
const RENEWED_BEFORE_MS = 5 * 60_000;

export class Credentials {
  readonly #now: () => number;
  readonly #byId = new Map<string, Credential>();
  readonly #ofRoles = new Map<string, { readonly credential: Credential; readonly madeAt: number }>();
  #made = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** One that never ends: of a user of that name, unless it is a role's. */
  add(
    who: string,
    principal: Principal = { kind: 'user', name: who },
    id = `AKIA${digest(`key ${who}`, 16)}`,
    secret = digest(`secret ${id}`, 40),
  ): Credential {
    const credential = { id, secret, who, principal };
    this.#byId.set(id, credential);
    return credential;
  }

  find(id: string): Credential | undefined {
    return this.#byId.get(id);
  }

  /** What the metadata server hands to an instance now; new ones when the last are about to end. */
  ofInstance(
    who: string,
    role: string,
    lifeMs: number,
    instance = who,
  ): { readonly credential: Credential; readonly madeAt: number } {
    const now = this.#now();
    const standing = this.#ofRoles.get(`${who} ${role}`);
    if (standing !== undefined && (standing.credential.expiresAt ?? 0) - now > RENEWED_BEFORE_MS) return standing;
    this.#made += 1;
    const id = `ASIA${digest(`${who} ${role} ${this.#made}`, 16)}`;
    const token = digest(`token ${id}`, 64);
    const principal: Principal = { kind: 'role', name: role, session: instance, instance };
    const credential = { id, secret: digest(`secret ${id}`, 40), who, principal, token, expiresAt: now + lifeMs };
    this.#byId.set(id, credential);
    const made = { credential, madeAt: now };
    this.#ofRoles.set(`${who} ${role}`, made);
    return made;
  }
}

const digest = (text: string, length: number): string =>
  createHash('sha512').update(text).digest('hex').toUpperCase().slice(0, length);
