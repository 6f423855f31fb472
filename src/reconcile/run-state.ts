/**
 * What one run leaves to the next: how many there were, the last good one, and the age, a clock that no wall clock can make jump.
 *
 *   age at this run = age at the last one + what has passed since, at least 0, at most 4 minutes
 *
 * What has passed each runner counts by its own wall clock, from its own last run: of hosts whose clocks differ, and who run by turns, none makes the age
 * run faster than its own clock does.
 */
import type { Clock } from '../contracts/clock.ts';
import type { Records } from '../contracts/records.ts';
import { isJsonObject, type JsonValue } from '../core/json.ts';
import type { RunRequest } from './reconciler-parts.ts';

export const RUN_STATE_KEY = 'state';

/** Less than the hold of anything that waits for the age: a clock that jumps between two runs proves nothing by itself. */
const MOST_GAIN_MS = 4 * 60_000;
/** Whose clocks are remembered; of more, those that ran last. */
const MOST_RUNNERS = 8;
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

/** Of one runner's last run: its wall clock, and the age it came to. */
interface Runner {
  readonly wallMs: number;
  readonly ageMs: number;
}

export interface RunState {
  /** What all that is kept from run to run counts in. Stands still during a run. */
  readonly ageMs: number;
  /** This run's number; the first is 1. */
  readonly run: number;
  /** How many runs were due, by the clock or by a person's word, this one included. */
  readonly due: number;
  readonly runners: ReadonlyMap<string, Runner>;
  readonly good: GoodRun | undefined;
  /** Of the record; undefined where none stands. */
  readonly version: string | undefined;
  /** The record said nothing that could be read: all that waits begins anew with the age. */
  readonly anew: boolean;
}

export interface RunStateParts {
  readonly records: Records;
  readonly clock: Clock;
  /** Name of the runner: hosts with clocks of their own have names of their own. */
  readonly by: string;
}

/** What this run is, by what the last one left; nothing is written. */
export async function readRunState(
  { records, clock, by }: RunStateParts,
  why: RunRequest['why'],
  signal: AbortSignal,
): Promise<RunState> {
  const record = (await records.list('run', signal)).records.get(RUN_STATE_KEY);
  const wallMs = clock.wallTime();
  const before = record === undefined ? undefined : readState(record.value);
  const due = why === 'schedule' || why === 'person' ? 1 : 0;
  const ageMs = before === undefined ? 0 : before.ageMs + gainedMs(before, by, wallMs);
  const runners = [...(before?.runners ?? [])].filter(([name]) => name !== by).slice(1 - MOST_RUNNERS);
  return {
    ageMs,
    run: (before?.run ?? 0) + 1,
    due: (before?.due ?? 0) + due,
    runners: new Map([...runners, [by, { wallMs, ageMs }]]),
    good: before?.good,
    version: record?.version,
    anew: record !== undefined && before === undefined,
  };
}

type Before = Pick<RunState, 'ageMs' | 'run' | 'due' | 'runners' | 'good'>;

/** One that has not run before goes by the clock of the last one that has. */
function gainedMs({ ageMs, runners }: Before, by: string, wallMs: number): number {
  const last = runners.get(by) ?? [...runners.values()].at(-1);
  const passedMs = last === undefined ? 0 : wallMs - last.wallMs - (ageMs - last.ageMs);
  return Math.min(Math.max(0, passedMs), MOST_GAIN_MS);
}

/** Written as soon as the lock is held, so that the age goes on although runs are cut. Rejects with RECORD_CHANGED when another run is under way. */
export async function saveRunState(records: Records, state: RunState, signal: AbortSignal): Promise<RunState> {
  const { ageMs, run, due, good } = state;
  const runners = [...state.runners].map(([name, runner]) => [name, runner.wallMs, runner.ageMs]);
  const value = { v: VERSION, ageMs, run, due, runners, ...(good === undefined ? {} : { good: { ...good } }) };
  const { version } = await records.put('run', RUN_STATE_KEY, value, state.version ?? 'absent', signal);
  return { ...state, version };
}

function readState(value: JsonValue): Before | undefined {
  if (!isJsonObject(value) || value['v'] !== VERSION) return undefined;
  const ageMs = count(value['ageMs']);
  const run = count(value['run']);
  const due = count(value['due']);
  const { runners } = value;
  if (ageMs === undefined || run === undefined || due === undefined || !Array.isArray(runners)) return undefined;
  return { ageMs, run, due, runners: readRunners(runners, ageMs), good: readGood(value['good']) };
}

/** In the order in which they ran. */
function readRunners(list: readonly JsonValue[], mostMs: number): ReadonlyMap<string, Runner> {
  const runners = new Map<string, Runner>();
  for (const item of list) {
    if (!Array.isArray(item)) continue;
    const [name, wall, age]: readonly JsonValue[] = item;
    const [wallMs, ageMs] = [count(wall), count(age)];
    if (typeof name === 'string' && wallMs !== undefined && ageMs !== undefined && ageMs <= mostMs)
      runners.set(name, { wallMs, ageMs });
  }
  return runners;
}

function readGood(value: JsonValue | undefined): GoodRun | undefined {
  if (!isJsonObject(value)) return undefined;
  const run = count(value['run']);
  const ageMs = count(value['ageMs']);
  const calls = count(value['calls']);
  const durationMs = count(value['durationMs']);
  const { at, by } = value;
  const why = (['schedule', 'event', 'change', 'person'] as const).find((name) => name === value['why']);
  if (run === undefined || ageMs === undefined || calls === undefined || durationMs === undefined) return undefined;
  if (typeof at !== 'string' || typeof by !== 'string' || why === undefined) return undefined;
  return { run, ageMs, at: at.slice(0, 30), by: by.slice(0, 128), why, calls, durationMs };
}

function count(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= MAX_NUMBER / 2
    ? value
    : undefined;
}
