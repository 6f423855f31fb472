/** `weftd lab aws`: starts an emulated account of its own, or asks one that runs. */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { WeftError } from '../../core/errors.ts';
import type { LabIo } from '../terminal.ts';
import { loadPlan } from './account-plan.ts';
import { runAws } from './aws-command.ts';
import { DEFAULT_PLAN } from './default-plan.ts';
import { StandaloneAws } from './standalone.ts';

const OPTIONS = {
  to: { type: 'string' },
  plan: { type: 'string' },
  port: { type: 'string', default: '0' },
  metadata: { type: 'string' },
  dynamodb: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Where the account of the running lab is asked. */
type LabSocket = () => string;

/** @param args what stands behind `aws`. @param ended gives a signal that fires when the process shall end. Resolves with the exit code. */
export async function awsEntry(
  args: readonly string[],
  io: LabIo,
  labSocket: LabSocket,
  ended: () => AbortSignal,
): Promise<number> {
  const { values, positionals } = parse(args);
  const [command = 'help', ...rest] = values.help ? ['help'] : positionals;
  // `start instance=b1` is an order about a machine.
  switch (rest.length > 0 && command === 'start' ? 'order' : command) {
    case 'help':
      return await runAws(values.help ? ['help'] : positionals, '', io);
    case 'plan':
      io.stdout.write(`${JSON.stringify(DEFAULT_PLAN, undefined, 2)}\n`);
      return 0;
    case 'start':
      return await start(values, io, ended());
    default:
      return await runAws(positionals, values.to ?? io.env['WEFT_LAB_AWS'] ?? labSocket(), io);
  }
}

async function start(values: ReturnType<typeof parse>['values'], io: LabIo, ended: AbortSignal): Promise<number> {
  const { plan, metadata, dynamodb, json } = values;
  const aws = await StandaloneAws.start(loadPlan(plan), {
    port: portOf(values.port),
    ...(metadata === undefined ? {} : { metadata }),
    ...(dynamodb === undefined ? {} : { dynamodb }),
  });
  const lines = Object.entries(aws.environment).map(([name, value]) => `export ${name}=${value}\n`);
  // The last line tells a script that waits for the file to be whole.
  io.stdout.write(json ? `${JSON.stringify(aws.environment)}\n` : `${lines.join('')}# ready\n`);
  if (!ended.aborted) await once(ended, 'abort');
  await aws.close();
  return 0;
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new WeftError('BAD_OPTION', `--port ${text}: expected 0 to 65535`);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new WeftError('BAD_OPTION', message, { cause: error, hint: 'weftd lab aws help lists commands and options' });
  }
}
