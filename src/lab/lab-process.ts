/** A program that goes on running inside a namespace, with its log in a file. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { insideOf } from './namespaces.ts';
import { bareEnvironment } from './program.ts';

export interface LabProcess {
  readonly name: string;
  readonly logFile: string;
  readonly pid: number | undefined;
  /** How it ended, in words; undefined while it runs. */
  readonly ending: string | undefined;
  readonly ended: Promise<string>;
  kill(signal: NodeJS.Signals): void;
}

export interface ProcessPlan {
  readonly name: string;
  readonly namespace: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly folder?: string;
}

export function startProcess(plan: ProcessPlan): LabProcess {
  const [program, ...args] = insideOf(plan.namespace, plan.command);
  const log = openSync(plan.logFile, 'a');
  const child = spawn(program, args, {
    env: { ...bareEnvironment(), ...plan.environment },
    stdio: ['ignore', log, log],
    ...(plan.folder === undefined ? {} : { cwd: plan.folder }),
  });
  closeSync(log);
  let ending: string | undefined;
  const ended = new Promise<string>((resolve) => {
    const end = (how: string): void => {
      ending ??= how;
      resolve(ending);
    };
    child.on('error', (error) => end(`could not be started: ${error.message}`));
    child.on('exit', (code, signal) => end(signal === null ? `exit code ${code}` : signal));
  });
  return {
    name: plan.name,
    logFile: plan.logFile,
    pid: child.pid,
    get ending() {
      return ending;
    },
    ended,
    kill: (signal) => {
      // A pid that is gone may be another's by now.
      if (ending === undefined) child.kill(signal);
    },
  };
}

/** The last lines of its log. */
export function tail(process: LabProcess, lines: number): readonly string[] {
  return readFileSync(process.logFile, 'utf8').trimEnd().split('\n').slice(-lines);
}
