/** The other daemons of this host that run now, by what stands in the state directory that all share: their locks go with their processes. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { OtherInstance } from '../contracts/node-state.ts';
import { lockAt } from './claims-lock.ts';
import { readRemembered } from './remembered-state.ts';

const INSTANCE = /^[0-9a-f]{8}$/;

/** @param folder of the instance. @throws WeftError NOT_PERMITTED, STATE_UNREADABLE */
export function runs(folder: string): boolean {
  if (!existsSync(join(folder, 'lock'))) return false;
  const lock = lockAt(join(folder, 'lock'));
  lock?.release();
  return lock === undefined;
}

/** What cannot be read says nothing: a daemon that runs has written its state by itself. */
export async function otherInstances(directory: string, own: string): Promise<readonly OtherInstance[]> {
  const names = await readdir(directory).catch(() => []);
  const others: OtherInstance[] = [];
  for (const name of names.filter((each) => INSTANCE.test(each) && each !== own)) {
    const folder = join(directory, name);
    const remembered = await readRemembered(join(folder, 'state.json')).catch(() => undefined);
    if (remembered?.network === undefined || !runs(folder)) continue;
    const { network, previousNetworks = [] } = remembered;
    others.push({ folder, network, previousNetworks });
  }
  return others;
}
