/**
 * Writes a network config: checked before anything is touched, shown as a difference, and written only over the one that was shown.
 */
import { mergeLive, type RefusedChange } from '../core/config-change.ts';
import { checkConfig, type ConfigFinding } from '../core/config-check.ts';
import { WeftError } from '../core/errors.ts';
import type { StoredConfig } from '../core/lease.ts';
import { parseNetworkConfig, readNetworkConfig } from '../core/parse-network-config.ts';
import type { Action, Invocation, OpenedStore } from './command.ts';
import { readInput } from './config-input.ts';
import { findingsText, laidOut } from './config-text.ts';
import { lineDiff } from './line-diff.ts';
import { currentView, withStore } from './with-store.ts';

export const configSet: Action = async (invocation) => {
  const { io, options } = invocation;
  if (options.file === undefined)
    throw new WeftError('BAD_OPTION', 'no config is named', {
      hint: 'Name its file with -f FILE; -f - reads standard input.',
    });
  const text = await readInput(options.file, invocation);
  refuseErrors(checkConfig(text), io);
  return withStore(invocation, (opened) => write(invocation, opened, text));
};

/** @throws WeftError with the code of the first error, when there is one */
function refuseErrors(findings: readonly ConfigFinding[], io: Invocation['io']): void {
  io.err(findingsText(findings.filter(({ level }) => level !== 'note')));
  const first = findings.find(({ level }) => level === 'error');
  if (first !== undefined)
    throw new WeftError(first.code ?? 'CONFIG_INVALID', 'nothing was written: the config has errors, named above');
}

async function write(
  { io, options, signal }: Invocation,
  { store, create }: OpenedStore,
  text: string,
): Promise<number> {
  // What a program reads stands on stdout alone.
  const say = options.json ? io.err : io.out;
  if (options.createTable) say((await create(signal)) ? 'The table was made.\n' : 'The table stands already.\n');
  const standing = await store.config(signal);
  refuseOther(standing, options.ifVersion);
  if (standing?.text === text) {
    say('It stands so already: nothing was written.\n');
    if (options.json) io.out(`${JSON.stringify({ version: standing.version, changed: false })}\n`);
    return 0;
  }
  say(lineDiff(laidOut(standing?.text ?? ''), laidOut(text)));
  if (standing !== undefined && !options.yes) refuseNotLive(await notLive(store, standing.text, text, signal));
  // Compare-and-set on what was shown: whoever wrote in between is not overwritten.
  const stored = await store.writeConfig(text, standing?.version ?? 'absent', signal).catch((error: unknown) => {
    if (!(error instanceof WeftError) || error.code !== 'RECORD_CHANGED') throw error;
    throw new WeftError('RECORD_CHANGED', 'nothing was written: somebody else wrote the config in the meantime', {
      cause: error,
      hint: 'Look at it with weftd config get, and set again.',
    });
  });
  say(`Written, version ${stored.version}.\n`);
  if (options.json) io.out(`${JSON.stringify({ version: stored.version, changed: true })}\n`);
  return 0;
}

function refuseOther(standing: StoredConfig | undefined, ifVersion: string | undefined): void {
  const version = standing?.version ?? 'absent';
  if (ifVersion === undefined || ifVersion === version) return;
  throw new WeftError('RECORD_CHANGED', `nothing was written: the config is of version ${version}, not ${ifVersion}`, {
    hint: 'Look at it with weftd config get, and set again.',
  });
}

/** What daemons that run now would go on doing by the old config. */
async function notLive(
  store: OpenedStore['store'],
  before: string,
  after: string,
  signal: AbortSignal,
): Promise<readonly RefusedChange[]> {
  const { config } = readNetworkConfig(before);
  // A config that no daemon takes is in nobody's way.
  if (config === undefined) return [];
  const { leases } = await currentView(store, signal);
  return leases.size === 0 ? [] : mergeLive(config, parseNetworkConfig(after), leases.size).refused;
}

function refuseNotLive(refused: readonly RefusedChange[]): void {
  if (refused.length === 0) return;
  const list = refused.map(({ key, why }) => `${key}: ${why}`).join('; ');
  throw new WeftError('CONFIG_NOT_LIVE', `nothing was written: hosts hold leases, and ${list}`, {
    hint: 'With --yes it is written all the same; restart each host\u2019s weftd after it.',
  });
}
