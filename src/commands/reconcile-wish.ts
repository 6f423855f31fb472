/** What a person wants of `weftd reconcile`, where the options do not contradict each other. */
import { WeftError } from '../core/errors.ts';
import type { ReconcilerSettings } from '../reconcile/reconciler-parts.ts';
import type { Options } from '../options.ts';

export interface ReconcileWish {
  /** Undefined: one run. */
  readonly everyMs: number | undefined;
  readonly dryRun: boolean;
  readonly adopt: boolean;
}

/** Seconds for which calls may be made as fast as they go, of a full bucket: that of an account's calls that change something holds ten. */
const BURST_SECONDS = 10;

/** @throws WeftError BAD_OPTION */
export function reconcileWish({ once, every, dryRun, adopt, json, statusListen }: Options): ReconcileWish {
  const alone = (given: boolean, option: string, hint: string): void => {
    if (given && every !== undefined)
      throw new WeftError('BAD_OPTION', `--every and ${option} do not go together`, { hint });
  };
  alone(once, '--once', 'Leave one of them out.');
  alone(dryRun, '--dry-run', 'A dry run is one run: leave --every out.');
  alone(
    adopt,
    '--adopt',
    'What is taken over is for a person to see: weftd reconcile --dry-run --adopt shows it first.',
  );
  alone(json, '--json', 'The log of a service is JSON already, one line for each thing that happens.');
  if (statusListen !== undefined && every === undefined)
    throw new WeftError('BAD_OPTION', '--status-listen is given without --every', {
      hint: 'One run is over before anybody asks: leave it out.',
    });
  return { everyMs: every, dryRun, adopt };
}

/** Three probes, and an answer on its way. */
const PROBES_MS = 5000;

/** What is found out, and not said. */
export interface FoundSettings extends Pick<ReconcilerSettings, 'networks'> {
  /** This machine's name. */
  readonly host: string;
  /** After so long everybody who watches the store has seen a change. */
  readonly storeSeenMs: number;
}

export function reconcilerSettings(
  { nodeTag, lifecycleHook: hook, callsPerSecond }: Pick<Options, 'nodeTag' | 'lifecycleHook' | 'callsPerSecond'>,
  { networks, host, storeSeenMs }: FoundSettings,
): ReconcilerSettings {
  return {
    name: nameOf(host),
    networks,
    seenWithinMs: storeSeenMs + PROBES_MS,
    nodeTag: nodeTag === 'none' ? undefined : nodeTag,
    hook,
    rate: { perSecond: callsPerSecond, burst: callsPerSecond * BURST_SECONDS },
  };
}

/** In audit and lock: what may stand there of a host's name. */
const nameOf = (host: string): string => host.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 64) || 'reconcile';
