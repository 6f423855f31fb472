/** What a person has said and the daemon does not go by: told in its log, so that nobody has to wonder. */
import { ETCD_KEYS, flagOf, OPTIONS, variableOf, type Options } from '../options.ts';
import { NOT_CARRIED } from './flannel-flags.ts';
import { toggle } from './option-kinds.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface PassedOver {
  readonly what: string;
  readonly why: string;
}

const WITHOUT_EFFECT = ['stderrthreshold', 'vmodule', 'log_backtrace_at', 'log_dir'] as const;

export function passedOver(options: Options, environment: Environment): readonly PassedOver[] {
  return [...notCarried(environment), ...ofOtherStore(options, environment), ...withoutEffect(options)];
}

const isSet = (environment: Environment, name: string): boolean => (environment[name] ?? '') !== '';

function notCarried(environment: Environment): PassedOver[] {
  return Object.entries(NOT_CARRIED).flatMap(([flag, why]) => {
    const what = variableOf(flag);
    // A switch that is off asks for nothing.
    return !isSet(environment, what) || toggle.read(environment[what] ?? '') === false ? [] : [{ what, why }];
  });
}

function ofOtherStore({ store }: Options, environment: Environment): PassedOver[] {
  const byEtcd = store === undefined;
  const names = byEtcd
    ? [variableOf('store'), OPTIONS.store.variable ?? '']
    : ETCD_KEYS.map((key) => variableOf(flagOf(key)));
  const why = byEtcd ? 'The command line names the store by etcd options.' : 'The store is named by --store.';
  return names.filter((name) => isSet(environment, name)).map((what) => ({ what, why }));
}

const withoutEffect = (options: Options): PassedOver[] =>
  WITHOUT_EFFECT.filter((key) => (options[key] ?? '') !== '').map((key) => ({
    what: `--${flagOf(key)}`,
    why: 'The log goes to stderr, and --log-level sets it.',
  }));
