/** Waits of these tests: the world is looked at until it is as it should be. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Status } from '../../src/core/status.ts';
import { eventually } from '../../src/lab/eventually.ts';
import { difference, kernelState } from '../../src/lab/kernel-state.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { never } from './cluster.ts';

/** Most take a second: this tells what never comes from what comes late, on a machine that others use too. */
const WITHIN_MS = 60_000;

/** Waits until `look` yields just this; in the end a failure shows the difference. */
export async function becomes<T>(
  what: string,
  expected: T,
  look: () => T | Promise<T>,
  withinMs = WITHIN_MS,
): Promise<void> {
  await eventually(
    what,
    withinMs,
    async () => {
      const seen = await look();
      try {
        assert.deepEqual(seen, expected);
        return { found: true };
      } catch (error) {
        return { missing: error instanceof Error ? error.message : String(error) };
      }
    },
    never,
  );
}

/** Waits until the file holds just this text. */
export const fileBecomes = (file: string, text: string): Promise<void> => becomes(file, text, () => textOf(file));

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Also of a daemon that is being started: one that says nothing has not said that nothing is amiss. */
export const statusOf = (host: LabHost): Promise<Status> => host.await('answers', (status) => status, never);

/** Waits until the host's kernel is as it was. */
export async function restored(host: LabHost, state: readonly string[]): Promise<void> {
  await becomes(`${host.name}'s kernel is as it was`, [], async () => difference(state, await kernelState(host)));
}
