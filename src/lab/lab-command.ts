/** `weftd lab`: a world to try Weft in, made of network namespaces on this machine. */
import { realpathSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { asWeftError, ERROR_KINDS, WeftError } from '../core/errors.ts';
import { awsEntry } from './aws/aws-entry.ts';
import { AWS_SOCKET } from './aws/aws-site.ts';
import { runInside } from './inside-command.ts';
import { endLab, execIn, findLab, findOwnLab, statusesOf } from './kept-labs.ts';
import { startInside } from './outside.ts';
import { pingUntilStdinEnds } from './pinger-loop.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/list.ts';
import { STORE_KINDS, type StoreKind } from './store.ts';
import type { LabIo } from './terminal.ts';

const USAGE = `Usage: weftd lab COMMAND

A cluster on this machine: hosts and containers as network namespaces, real weftd
processes, a store. As root, or as an ordinary user where user namespaces are allowed.
Nothing leaves the namespaces, and nothing is left when the lab ends.

Commands:
  demo [--scenario NAME] [--store KIND] [--json] [--keep]
                       plays a scenario and judges it; exit code 0 when all was as it should be
  up [--scenario NAME] [--store KIND]
                       starts all hosts of a scenario and leaves the lab up
  status [--json]      what every host of the running lab says of itself
  exec NAME -- CMD     runs a command on a host (a1), in a container (a1-c1) or on the router
  aws COMMAND          looks into the emulated AWS of the running lab, or breaks something there; starts one
                       by itself for the tests of other programs (weftd lab aws help)
  down                 ends the lab that was kept up

Options:
  --scenario NAME      ${SCENARIOS.map(({ name, summary }) => `${name}: ${summary}`).join('\n                       ')}
  --store KIND         what the hosts keep their leases in: ${STORE_KINDS[0]}, else ${STORE_KINDS.slice(1).join(', ')} (Debian: etcd-server)
  --json               one report as the last line of stdout; all else goes to stderr
  --keep               leaves the lab up when the scenario has been played

Example:
  weftd lab demo --keep && weftd lab exec a1 -- weftd status && weftd lab down
`;

const OPTIONS = {
  scenario: { type: 'string' },
  store: { type: 'string' },
  json: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** @param args what stands behind `lab`. Resolves with the exit code. */
export async function runLab(args: readonly string[], io: LabIo): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    const { code, message, hint } = asWeftError(error);
    io.stderr.write(`weftd lab: ${message} [${code}]\n${hint === undefined ? '' : `  ${hint}\n`}`);
    return ERROR_KINDS[code].exit;
  }
}

async function dispatch(args: readonly string[], io: LabIo): Promise<number> {
  const [command, ...rest] = args;
  if (command === 'pinger') {
    pingUntilStdinEnds();
    return 0;
  }
  // It has options of its own.
  if (command === 'aws')
    return await awsEntry(
      rest,
      io,
      () => awsSocket(io),
      () => io.ended ?? untilEnded(),
    );
  const { values, positionals } = parse(rest);
  if (values.help || command === undefined || command === 'help' || command === '--help' || command === '-h') {
    io.stdout.write(USAGE);
    return command === undefined ? 2 : 0;
  }
  const scenario = find(values.scenario);
  const store = storeKind(values.store);
  switch (command) {
    case 'demo':
      return await startInside(['demo', ...rest], store, real(io));
    case 'up':
      return await startInside(['up', '--keep', ...rest], store, real(io));
    case 'inside': {
      const mode = positionals[0] === 'up' ? 'up' : 'demo';
      const { keep, json } = values;
      return await runInside({ scenario, store, mode, keep, json, executable: real(io).executable });
    }
    case 'exec': {
      const [namespace, ...words] = positionals;
      if (namespace === undefined)
        throw new WeftError('BAD_OPTION', 'which host? For example: weftd lab exec a1 -- ip route');
      return await execIn(findLab(real(io).executable), namespace, words);
    }
    case 'status':
      return await printStatus(values.json, io);
    case 'down':
      await endLab(findOwnLab(real(io).executable));
      return 0;
    default:
      throw new WeftError('BAD_OPTION', `no command "${command}"`, { hint: 'weftd lab --help lists them' });
  }
}

/** npm starts the bundle through a link: what lies beside the real file is looked for from there. */
const real = (io: LabIo): LabIo => ({ ...io, executable: realpathSync(io.executable) });

/** By a person, or by whoever started it. */
function untilEnded(): AbortSignal {
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());
  return ended.signal;
}

const awsSocket = (io: LabIo): string => `/proc/${findLab(real(io).executable).pid}/root${AWS_SOCKET}`;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new WeftError('BAD_OPTION', message, { cause: error, hint: 'weftd lab --help lists the options' });
  }
}

function find(name: string | undefined): Scenario {
  const found = name === undefined ? SCENARIOS[0] : SCENARIOS.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  throw new WeftError('BAD_OPTION', `no scenario "${name}"`, {
    hint: `there are: ${SCENARIOS.map((scenario) => scenario.name).join(', ')}`,
  });
}

function storeKind(name: string | undefined): StoreKind {
  const found = name === undefined ? STORE_KINDS[0] : STORE_KINDS.find((kind) => kind === name);
  if (found !== undefined) return found;
  throw new WeftError('BAD_OPTION', `the lab has no store "${name}"`, { hint: `there are: ${STORE_KINDS.join(', ')}` });
}

async function printStatus(json: boolean, io: LabIo): Promise<number> {
  const lab = findLab(real(io).executable);
  const statuses = await statusesOf(lab);
  if (json) {
    io.stdout.write(
      `${JSON.stringify(Object.fromEntries(statuses.map(({ name, status }) => [name, status ?? null])))}\n`,
    );
    return 0;
  }
  for (const { name, status } of statuses) {
    const own = status === undefined ? 'no daemon runs' : `${status.subnet ?? 'no subnet'}  ${status.state}`;
    io.stdout.write(`${name.padEnd(6)}${own}\n`);
    for (const { node, publicIP, subnet, path } of status?.peers ?? []) {
      const name = lab.card.hosts.find(({ address }) => address === publicIP)?.name ?? publicIP;
      io.stdout.write(`      ${path.padEnd(7)} ${subnet.padEnd(18)} ${name.padEnd(5)} ${node ?? 'flanneld'}\n`);
    }
  }
  return 0;
}
