/** Machines on their way out, remembered until the cloud says that they are gone: no later run puts their routes back. One record a machine. */
import type { LifecycleAction } from '../contracts/cloud-inventory.ts';
import type { Records } from '../contracts/records.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import { DEFAULT_LIFECYCLE_HOOK } from '../core/lifecycle-hook.ts';
import type { Leaving, ReconcilerSettings } from './reconciler-parts.ts';

export interface LeavingMachine extends Leaving {
  /** Of the runs' age, when it was told last. Told long ago of one that runs: it does not leave after all. */
  readonly sinceMs: number;
}

interface Stored {
  readonly machine: LeavingMachine;
  readonly version: string;
}

const VERSION = 1;
const INSTANCE = /^[A-Za-z0-9._-]{1,100}$/;
/** Names of Auto Scaling groups and hooks may hold nearly anything, and have at most 255 characters. */
const MAX_NAME = 255;
const MAX_TOKEN = 100;
const MAX_WHY = 300;

export interface LeavingNow extends Pick<ReconcilerSettings, 'hook'> {
  /** The runs' age. */
  readonly ageMs: number;
}

export class LeavingMachines {
  /** An action of a hook that is not ours is none, whoever wrote it down. */
  static async read(records: Records, now: LeavingNow, signal: AbortSignal): Promise<LeavingMachines> {
    const { ageMs, hook = DEFAULT_LIFECYCLE_HOOK } = now;
    const list = await records.list('leaving', signal);
    const stored = new Map<string, Stored>();
    const unreadable = list.skipped.map(({ key }) => key);
    for (const { key, value, version } of list.records.values()) {
      const machine = readMachine(key, value, ageMs);
      if (machine === undefined) unreadable.push(key);
      else stored.set(key, { machine: withOwnAction(machine, hook), version });
    }
    return new LeavingMachines(records, { ageMs, hook }, stored, unreadable);
  }

  /** Keys of records that cannot be read. */
  readonly unreadable: readonly string[];
  readonly #records: Records;
  readonly #now: Required<LeavingNow>;
  readonly #stored: Map<string, Stored>;

  private constructor(
    records: Records,
    now: Required<LeavingNow>,
    stored: Map<string, Stored>,
    unreadable: readonly string[],
  ) {
    this.#records = records;
    this.#now = now;
    this.#stored = stored;
    this.unreadable = unreadable;
  }

  /** By instance. */
  get all(): ReadonlyMap<string, LeavingMachine> {
    return new Map([...this.#stored].map(([instance, { machine }]) => [instance, machine]));
  }

  /**
   * What was told is written before anything is done about it. Of a machine that is known: the action is the one told last, and the time begins anew. Told
   * of one whose id is none: nothing. Rejects with RECORD_CHANGED when another run is under way.
   */
  async remember(told: readonly Leaving[], signal: AbortSignal): Promise<void> {
    const { ageMs, hook } = this.#now;
    for (const one of told) {
      const { instance, why, action } = withOwnAction(one, hook);
      if (!INSTANCE.test(instance)) continue;
      const known = this.#stored.get(instance)?.machine;
      const next = action ?? known?.action;
      const machine = { instance, why: why.slice(0, MAX_WHY), sinceMs: ageMs };
      await this.#write({ ...machine, ...(next && { action: next }) }, signal);
    }
  }

  /** Its action is completed; that it leaves stays known. */
  async completed({ instance, token }: LifecycleAction, signal: AbortSignal): Promise<void> {
    const known = this.#stored.get(instance)?.machine;
    if (known?.action?.token !== token) return;
    const { why, sinceMs } = known;
    await this.#write({ instance, why, sinceMs }, signal);
  }

  /** It is gone, or runs on after all. */
  async forget(instance: string, signal: AbortSignal): Promise<void> {
    const known = this.#stored.get(instance);
    if (known === undefined) return;
    await this.#records.remove('leaving', instance, known.version, signal);
    this.#stored.delete(instance);
  }

  async #write(machine: LeavingMachine, signal: AbortSignal): Promise<void> {
    const { instance } = machine;
    const known = this.#stored.get(instance);
    const value = machineToJson(machine);
    if (known !== undefined && JSON.stringify(machineToJson(known.machine)) === JSON.stringify(value)) return;
    const isSpoiled = known === undefined && this.unreadable.includes(instance);
    const expected = isSpoiled ? undefined : (known?.version ?? 'absent');
    const { version } = await this.#records.put('leaving', instance, value, expected, signal);
    this.#stored.set(instance, { machine, version });
  }
}

function withOwnAction<T extends Leaving>(leaving: T, hook: string): Omit<T, 'action'> & Pick<Leaving, 'action'> {
  const { action, ...rest } = leaving;
  return action?.hook === hook ? { ...rest, action } : rest;
}

function machineToJson({ why, sinceMs, action }: LeavingMachine): JsonObject {
  return {
    v: VERSION,
    why,
    sinceMs,
    ...(action === undefined ? {} : { action: { group: action.group, hook: action.hook, token: action.token } }),
  };
}

function readMachine(instance: string, value: JsonValue, ageMs: number): LeavingMachine | undefined {
  if (!INSTANCE.test(instance) || !isJsonObject(value) || value['v'] !== VERSION) return undefined;
  const { why, sinceMs } = value;
  if (!isText(why, MAX_WHY) || typeof sinceMs !== 'number' || !Number.isFinite(sinceMs) || sinceMs < 0)
    return undefined;
  const machine = { instance, why, sinceMs: Math.min(sinceMs, ageMs) };
  if (value['action'] === undefined) return machine;
  const action = readAction(instance, value['action']);
  return action === undefined ? undefined : { ...machine, action };
}

function readAction(instance: string, value: JsonValue): LifecycleAction | undefined {
  if (!isJsonObject(value)) return undefined;
  const { group, hook, token } = value;
  if (!isText(group, MAX_NAME) || !isText(hook, MAX_NAME) || !isText(token, MAX_TOKEN)) return undefined;
  return { group, hook, instance, token };
}

const isText = (value: JsonValue | undefined, most: number): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= most;
