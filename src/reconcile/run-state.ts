/**
 * What one run leaves to the next: how many there were, the last good one, and the age, a clock that no wall clock can make jump.
 *
 *   age at this run = age at the last one + (wall clock now - then), at least 0, at most 4 minutes
 */
import type { Clock } from '../contracts/clock.ts';
import type { Records } from '../contracts/records.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import type { RunRequest } from './reconciler-parts.ts';

export const RUN_STATE_KEY = 'state';

/** Less than the hold of anything that waits for the age: a clock that jumps between two runs proves nothing by itself. */
const MOST_GAIN_MS = 4 * 60_000;
/** Two reconcilers whose clocks differ by less make the age run no faster. */
const SKEW_MS = 15 * 60_000;
const VERSION = 1;
const MAX_NUMBER = Number.MAX_SAFE_INTEGER;

/** A run that did all it had to do. */
export interface GoodRun {
  readonly run: number;
  readonly ageMs: number;
  /** ISO 8601, UTC, by its own clock; for people. */
  readonly at: string;
  readonly by: string;
  readonly why: RunRequest['why'];
  readonly calls: number;
  readonly durationMs: number;
}

export interface RunState {
  /** What all that is kept from run to run counts in. Stands still during a run. */
  readonly ageMs: number;
  /** This run's number; the first is 1. */
  readonly run: number;
  /** How many runs there were by the clock, this one included. */
  readonly scheduled: number;
  readonly wallMs: number;
  readonly good: GoodRun | undefined;
  /** Of the record; undefined where none stands. */
  readonly version: string | undefined;
  /** The record said nothing that could be read: all that waits begins anew with the age. */
  readonly anew: boolean;
}

export interface RunStateParts {
  readonly records: Records;
  readonly clock: Clock;
}

/** What this run is, by what the last one left; nothing is written. */
export async function readRunState(
  { records, clock }: RunStateParts,
  why: RunRequest['why'],
  signal: AbortSignal,
): Promise<RunState> {
  const record = (await records.list('run', signal)).records.get(RUN_STATE_KEY);
  const wallMs = clock.wallTime();
  const before = record === undefined ? undefined : readState(record.value);
  const scheduled = why === 'schedule' ? 1 : 0;
  if (before === undefined)
    return {
      ageMs: 0,
      run: 1,
      scheduled,
      wallMs,
      good: undefined,
      version: record?.version,
      anew: record !== undefined,
    };
  const aheadMs = before.wallMs - wallMs;
  return {
    ageMs: before.ageMs + Math.min(Math.max(0, -aheadMs), MOST_GAIN_MS),
    run: before.run + 1,
    scheduled: before.scheduled + scheduled,
    wallMs: aheadMs > 0 && aheadMs <= SKEW_MS ? before.wallMs : wallMs,
    good: before.good,
    version: record?.version,
    anew: false,
  };
}

/** Written as soon as the lock is held, so that the age goes on although runs are cut. Rejects with RECORD_CHANGED when another run is under way. */
export async function saveRunState(records: Records, state: RunState, signal: AbortSignal): Promise<RunState> {
  const { ageMs, run, scheduled, wallMs, good } = state;
  const value = { v: VERSION, ageMs, run, scheduled, wallMs, ...(good === undefined ? {} : { good: { ...good } }) };
  const { version } = await records.put('run', RUN_STATE_KEY, value, state.version ?? 'absent', signal);
  return { ...state, version };
}

function readState(value: JsonValue): Pick<RunState, 'ageMs' | 'run' | 'scheduled' | 'wallMs' | 'good'> | undefined {
  if (!isJsonObject(value) || value['v'] !== VERSION) return undefined;
  const ageMs = count(value, 'ageMs');
  const run = count(value, 'run');
  const scheduled = count(value, 'scheduled');
  const wallMs = count(value, 'wallMs');
  if (ageMs === undefined || run === undefined || scheduled === undefined || wallMs === undefined) return undefined;
  return { ageMs, run, scheduled, wallMs, good: readGood(value['good']) };
}

function readGood(value: JsonValue | undefined): GoodRun | undefined {
  if (!isJsonObject(value)) return undefined;
  const run = count(value, 'run');
  const ageMs = count(value, 'ageMs');
  const calls = count(value, 'calls');
  const durationMs = count(value, 'durationMs');
  const { at, by } = value;
  const why = (['schedule', 'event', 'change', 'person'] as const).find((name) => name === value['why']);
  if (run === undefined || ageMs === undefined || calls === undefined || durationMs === undefined) return undefined;
  if (typeof at !== 'string' || typeof by !== 'string' || why === undefined) return undefined;
  return { run, ageMs, at: at.slice(0, 30), by: by.slice(0, 128), why, calls, durationMs };
}

function count(value: JsonObject, name: string): number | undefined {
  const number = value[name];
  return typeof number === 'number' && Number.isFinite(number) && number >= 0 && number <= MAX_NUMBER / 2
    ? number
    : undefined;
}
