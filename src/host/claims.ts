/**
 * Things of a host that one daemon alone can have: `claims.json` in the state directory says which daemon has which device and file.
 * A claim outlives its daemon, whose data path stands while it does not run; only then may another daemon take it over.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDevice } from '../core/device.ts';
import { hostEntryKey, type HostEntry } from '../core/host-entry.ts';
import { isJsonObject } from '../core/json.ts';
import { WeftError } from '../core/errors.ts';
import { fileError } from './host-errors.ts';
import { lockClaims } from './claims-lock.ts';
import { runs } from './other-instances.ts';
import { readRemembered } from './remembered-state.ts';

/** What the key of a device begins with. */
const LINK = 'link ';

/** By which a thing is claimed: a device by its name alone, since a host has one of each, whatever its kind. */
export const claimKey = (entry: HostEntry): string => (isDevice(entry) ? `${LINK}${entry.name}` : hostEntryKey(entry));

export class Claims {
  readonly #directory: string;
  readonly #instance: string;
  /** Ours for as long as we live: nobody takes from the living. */
  readonly #own = new Set<string>();

  /** @param instance whose lock is held as long as this object is used to take anything */
  constructor(directory: string, instance: string) {
    this.#directory = directory;
    this.#instance = instance;
  }

  /** What others have, by key of the entry: the instance. Those whose state directory is gone have nothing. */
  others(): ReadonlyMap<string, string> {
    const all = [...this.#read()].filter(([, owner]) => owner !== this.#instance && existsSync(this.#folder(owner)));
    return new Map(all);
  }

  /** Devices that we took and have not given up, by name: in runs before, under another Backend.Type or VNI, they had other names than now. */
  ownLinks(): readonly string[] {
    return [...this.#read()].flatMap(([key, owner]) =>
      owner === this.#instance && key.startsWith(LINK) ? [key.slice(LINK.length)] : [],
    );
  }

  /** Makes these ours. @throws WeftError LINK_FOREIGN or SUBNET_FILE_FOREIGN when a daemon that runs has one */
  async take(entry: HostEntry, signal: AbortSignal): Promise<void> {
    const key = claimKey(entry);
    if (this.#own.has(key)) return;
    if (this.#read().get(key) !== this.#instance) {
      await this.#change(async (claims) => {
        const owner = claims.get(key);
        if (owner !== undefined && owner !== this.#instance && runs(this.#folder(owner)))
          throw await this.foreign(entry, owner);
        claims.set(key, this.#instance);
      }, signal);
    }
    this.#own.add(key);
  }

  /** After its removal. @param key `claimKey` */
  async giveUp(key: string, signal: AbortSignal): Promise<void> {
    this.#own.delete(key);
    if (this.#read().get(key) === this.#instance) await this.#change(async (claims) => void claims.delete(key), signal);
  }

  /** What stands in the way of an entry that another daemon has, or that stands on such a device. */
  async foreign(entry: HostEntry, owner: string): Promise<WeftError> {
    const remembered = await readRemembered(join(this.#folder(owner), 'state.json')).catch(() => undefined);
    const network = remembered?.network === undefined ? '' : ` of Network ${remembered.network}`;
    const who = `another weftd of this host${network} (${this.#folder(owner)})`;
    if (entry.kind === 'file') {
      return new WeftError('SUBNET_FILE_FOREIGN', `${entry.path} is written by ${who}`, {
        hint: 'Give each daemon of a host its own --subnet-file.',
      });
    }
    const device = isDevice(entry) ? entry.name : 'link' in entry ? entry.link : '';
    return new WeftError('LINK_FOREIGN', `device ${device} belongs to ${who}`, {
      hint: 'Give each network of a host a VNI and ports of its own: Weft.VXLAN (with Backend.Type vxlan, Backend.VNI) and Weft.UDP.Port.',
    });
  }

  #folder(instance: string): string {
    return join(this.#directory, instance);
  }

  /** A file that cannot be read claims nothing: what it protects from is rare, and a daemon without it works. */
  #read(): Map<string, string> {
    try {
      const value: unknown = JSON.parse(readFileSync(this.#file, 'utf8'));
      if (!isJsonObject(value)) return new Map();
      return new Map(Object.entries(value).flatMap(([key, it]) => (typeof it === 'string' ? [[key, it]] : [])));
    } catch {
      return new Map();
    }
  }

  async #change(work: (claims: Map<string, string>) => Promise<void>, signal: AbortSignal): Promise<void> {
    const lock = await lockClaims(this.#directory, signal);
    try {
      const claims = this.#read();
      await work(claims);
      this.#write(`${JSON.stringify(Object.fromEntries(claims), undefined, 2)}\n`);
    } finally {
      lock.release();
    }
  }

  /** Whole, and not waiting for the disk: after a loss of power nothing of ours stands on the host that could be taken. */
  #write(text: string): void {
    try {
      writeFileSync(`${this.#file}.new`, text, { mode: 0o600 });
      renameSync(`${this.#file}.new`, this.#file);
    } catch (error) {
      throw fileError(`cannot write ${this.#file}`, error);
    }
  }

  get #file(): string {
    return join(this.#directory, 'claims.json');
  }
}
