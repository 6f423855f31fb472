/** Which daemon of this host has which slot: `slots.json`, shared by all of them, changed under one lock. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { WeftError } from '../core/errors.ts';
import { SLOT_COUNT } from '../core/instance.ts';
import { isJsonObject } from '../core/json.ts';
import { lockFile, type FileLock } from '../native/file-lock.ts';
import { writeAtomically } from './atomic-file.ts';
import { fileError, isGone } from './host-errors.ts';

const MODES = { file: 0o600, directory: 0o700 };

/** Whoever has the lock writes one small file and gives it back. */
const RETRY_MS = 10;
const PATIENCE_MS = 10_000;

type Slots = ReadonlyMap<string, number>;

/** @throws WeftError STATE_UNREADABLE */
export async function readSlots(directory: string): Promise<Slots> {
  const path = join(directory, 'slots.json');
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isGone(error)) return '{}';
    throw fileError(`cannot read ${path}`, error, 'STATE_UNREADABLE');
  });
  try {
    return parseSlots(JSON.parse(text));
  } catch (error) {
    throw new WeftError('STATE_UNREADABLE', `${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
      hint: `Run "weftd cleanup" for each daemon of this host, then remove ${path}: slots are allotted anew.`,
    });
  }
}

function parseSlots(value: unknown): Slots {
  if (!isJsonObject(value)) throw new Error('expected a JSON object');
  const slots = new Map<string, number>();
  for (const [instance, slot] of Object.entries(value)) {
    if (typeof slot !== 'number' || !Number.isInteger(slot) || slot < 0 || slot >= SLOT_COUNT) {
      throw new Error(`"${instance}": expected a slot from 0 to ${SLOT_COUNT - 1}`);
    }
    if ([...slots.values()].includes(slot)) throw new Error(`slot ${slot} is there twice`);
    slots.set(instance, slot);
  }
  return slots;
}

/** The slot of an instance, the same at every start. One whose folder was removed gives its slot back. */
export async function allotSlot(directory: string, instance: string, signal: AbortSignal): Promise<number> {
  const standing = (await readSlots(directory)).get(instance);
  if (standing !== undefined) return standing;
  const lock = await lockSlots(directory, signal);
  try {
    const inUse = [...(await readSlots(directory))].filter(
      ([id]) => id === instance || existsSync(join(directory, id)),
    );
    const slots = new Map(inUse);
    const taken = new Set(slots.values());
    const slot = slots.get(instance) ?? Array.from({ length: SLOT_COUNT }, (_, i) => i).find((i) => !taken.has(i));
    if (slot === undefined) throw full(directory, [...slots.keys()]);
    slots.set(instance, slot);
    const path = join(directory, 'slots.json');
    await writeAtomically(path, `${JSON.stringify(Object.fromEntries(slots), undefined, 2)}\n`, MODES).catch(
      (error: unknown) => {
        throw fileError(`cannot write ${path}`, error);
      },
    );
    return slot;
  } finally {
    lock.release();
  }
}

/** Undefined when another process holds it. @throws WeftError NOT_PERMITTED, STATE_UNREADABLE */
export function lockAt(path: string): FileLock | undefined {
  try {
    return lockFile(path);
  } catch (error) {
    throw fileError(`cannot lock ${path}`, error, 'STATE_UNREADABLE');
  }
}

/** For as short as it takes to change a file that all daemons share. */
export async function lockSlots(directory: string, signal: AbortSignal): Promise<FileLock> {
  const path = join(directory, 'slots.lock');
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += RETRY_MS) {
    const lock = lockAt(path);
    if (lock !== undefined) return lock;
    await wait(RETRY_MS, undefined, { signal }).catch((error: unknown) => {
      throw new WeftError('ABORTED', `waiting for ${path}: stopped`, { cause: error });
    });
  }
  throw new WeftError('INSTANCE_RUNNING', `another process holds ${path} and does not give it back`);
}

const full = (directory: string, instances: readonly string[]): WeftError =>
  new WeftError(
    'UNSUPPORTED',
    `${SLOT_COUNT} daemons have a slot on this host (${directory}), and more than that it cannot tell apart`,
    {
      hint: `Remove the folder of one that is not used any more: ${instances.join(', ')}.`,
    },
  );
