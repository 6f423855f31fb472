/** Plays a script again and again, each time with a cut at the next of its calls, and holds its end against the one without a cut. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CutPoints, type Cut } from './cut-points.ts';
import { ScriptedWorld } from './scripted-world.ts';

export async function uncut(): Promise<{ readonly script: ScriptedWorld; readonly end: string[] }> {
  const script = await ScriptedWorld.make(new CutPoints());
  const end = await script.play();
  script.watch.check();
  return { script, end };
}

/** What is wrong after a cut there; undefined: nothing. */
async function trouble(at: number, how: Cut, end: readonly string[]): Promise<string | undefined> {
  const cuts = new CutPoints(at, how);
  const script = await ScriptedWorld.make(cuts);
  try {
    assert.deepEqual(await script.play(end), end);
    script.watch.check();
    return undefined;
  } catch (error) {
    return `${how} at call ${at}, ${cuts.calls[at]}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export function cutsEverywhere(ways: readonly Cut[]): void {
  for (const how of ways)
    it(`${how}, at whichever call: the runs after it end where one without a cut ends`, async () => {
      const { script, end } = await uncut();
      const troubles: string[] = [];
      for (let at = 0; at < script.cuts.calls.length; at++) {
        const found = await trouble(at, how, end);
        if (found !== undefined) troubles.push(found);
      }
      assert.deepEqual(troubles, []);
    });
}
