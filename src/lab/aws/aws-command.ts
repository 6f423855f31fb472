/** Looks into a running emulated account, and lets things go wrong there. */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { WeftError } from '../../core/errors.ts';
import type { LabIo } from '../terminal.ts';
import { CONTROL_PATH } from './control.ts';
import type { LoggedEvent } from './events.ts';
import { asRecord } from './http-body.ts';
import { describeEntry, type JournalEntry } from './journal.ts';
import { OPERATION_NAMES } from './lab-operations.ts';

export const AWS_USAGE = `Usage: weftd lab aws COMMAND [KEY=VALUE ...] [--to URL|SOCKET]

An emulated AWS account. Without a lab, for the tests of other programs (docs/testing-with-weft.md):
  start                  serves EC2, Auto Scaling and Service Quotas on the loopback device until it is
                         ended, and prints the variables by which programs find it
      --plan FILE        what is in the account; --port N: where (else a free port); --json: as JSON
      --metadata NAME    also a metadata server, as instance NAME has it
      --dynamodb URL     also a gate before that DynamoDB emulator: it verifies signatures and policies
  plan                   prints an account to begin with

Asks an account that runs: at --to, else at $WEFT_LAB_AWS, else that of the running lab.
  journal [who=NAME]     every call: who, what, and what came of it
  counts                 calls of each caller
  ids                    what each named thing is called in calls
  keys user=ann|role=r   an access key, as variables
  policies [NAME=FILE]   attaches policies to a role or user; without words: prints them; NAME= takes them away
  events [since=N]       what EventBridge would have been handed, behind that number
  state                  route tables, interfaces, instances, and what is broken
  settings [KEY=VALUE]   delays, clock, quota; without words: prints them
  fault KIND             of calls: error, reset-before, reset-after, cut, garbage, silence, delay;
                         action=CreateRoute who=a1 times=1 code=InternalError ms=500 narrow it
  faults-clear
  deny ACTION [who=a1]   refuses it with UnauthorizedOperation; "allow" takes all denials back
  OPERATION              ${OPERATION_NAMES.join(' ').replaceAll(/(.{60}[^ ]*) /g, '$1\n                         ')}

What machines may do:
  end or stop         terminate instance=b1, stop instance=b1, start instance=b1
  end after a notice  interrupt-spot instance=b1
  wait before it      scaling-group name=nodes instances=a1,b1 hook=weft-drain heartbeat=300, then scale-in instance=b1
  wait for two tools  lifecycle-hook group=nodes hook=ship-logs heartbeat=600
  come in numbers     add-instances prefix=n count=1000 subnets=a,b tag=weft:node=true scaling-group=nodes
and the time that it takes passes at once with clock advance=900000.

What may go wrong, and how it is put right again:
  a black hole     kill-routes instance=b1                     mend-routes instance=b1
  a full table     quota table=table-a free=0                  quota table=table-a
  a right missing  deny CreateRoute who=b1                     allow
  throttling       fault error code=RequestLimitExceeded status=503
                                                               faults-clear
  someone's route  put-route table=table-a destination=10.42.9.0/24 instance=a2
                                                               remove-route table=table-a destination=10.42.9.0/24
  the check on     check instance=b1 on=true                   check instance=b1 on=false
  late reads       settings visibilityMs=4000                  settings visibilityMs=0
  a lost answer    fault reset-after action=CreateRoute times=1
Nobody needs to tell the hosts: each tries again by itself, soon at first, then more seldom.
`;

type Words = Readonly<Record<string, string | number | boolean>>;

/** @param at URL of an account, or path of the socket of the running lab's (aws-site.ts). Resolves with the exit code. */
export async function runAws(words: readonly string[], at: string, io: LabIo): Promise<number> {
  const [command, ...rest] = words;
  if (command === undefined || command === 'help') {
    io.stdout.write(AWS_USAGE);
    return command === undefined ? 2 : 0;
  }
  const bare = rest.filter((word) => !word.includes('='));
  const values = readWords(rest.filter((word) => word.includes('=')));
  const [method, path, value] = orderOf(command, bare, values);
  const answer = await ask(at, method, path, value);
  for (const line of linesOf(command, values, answer)) io.stdout.write(`${line}\n`);
  return 0;
}

function orderOf(command: string, bare: readonly string[], values: Words): readonly [string, string, unknown?] {
  switch (command) {
    case 'journal':
    case 'counts':
    case 'state':
    case 'ids':
      return ['GET', command];
    case 'events':
      return ['GET', `events?since=${String(values['since'] ?? 0)}`];
    case 'keys':
      return ['POST', 'keys', values];
    case 'policies':
      return Object.keys(values).length === 0 ? ['GET', 'policies'] : ['PUT', 'policies', policiesIn(values)];
    case 'settings':
      return Object.keys(values).length === 0 ? ['GET', 'settings'] : ['PUT', 'settings', values];
    case 'fault':
      return ['POST', 'faults', { ...values, kind: bare[0] ?? '' }];
    case 'faults-clear':
      return ['DELETE', 'faults'];
    case 'deny':
      return ['POST', 'rules', [{ effect: 'deny', action: bare[0] ?? '*', ...values }]];
    case 'allow':
      return ['POST', 'rules', []];
    default:
      return ['POST', 'do', { ...values, op: command }];
  }
}

function linesOf(command: string, values: Words, answer: unknown): readonly string[] {
  if (command === 'journal') {
    const entries = (answer as readonly JournalEntry[]).filter(({ who }) => (values['who'] ?? who) === who);
    return entries.map(describeEntry);
  }
  if (command === 'events') return (answer as readonly LoggedEvent[]).map((it) => JSON.stringify(it));
  if (Array.isArray(answer)) return answer.map(String);
  if (command === 'keys')
    return Object.entries(asRecord(answer)).map(([name, value]) => `export ${name}=${String(value)}`);
  return Object.entries(asRecord(answer)).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
}

function readWords(words: readonly string[]): Words {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      const text = word.slice(at + 1);
      const value = /^\d+$/.test(text) ? Number(text) : text === 'true' || text === 'false' ? text === 'true' : text;
      return [word.slice(0, at), value];
    }),
  );
}

function placeOf(url: string): { readonly host: string; readonly port: string } {
  if (!URL.canParse(url)) throw new WeftError('BAD_OPTION', `--to ${url} is no URL`);
  const { hostname, port } = new URL(url);
  return { host: hostname, port };
}

/** Files are read here: the account may run elsewhere. */
function policiesIn(values: Words): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(values).map(([name, file]) => {
      if (file === '') return [name, null];
      try {
        return [name, JSON.parse(readFileSync(String(file), 'utf8')) as unknown];
      } catch (cause) {
        throw new WeftError('BAD_OPTION', `policy ${String(file)}: ${cause instanceof Error ? cause.message : ''}`, {
          cause,
        });
      }
    }),
  );
}

/** Asks the control endpoint. @throws WeftError BAD_OPTION in its own words, NO_DAEMON when nobody listens. */
function ask(at: string, method: string, path: string, value?: unknown): Promise<unknown> {
  const place = /^https?:/.test(at) ? placeOf(at) : { socketPath: at };
  return new Promise((resolve, reject) => {
    const asking = request({ ...place, method, path: CONTROL_PATH + path, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', reject);
      response.on('end', () => {
        const answer: unknown = JSON.parse(text);
        if (response.statusCode === 200) resolve(answer);
        else reject(new WeftError('BAD_OPTION', String(asRecord(answer)['error'])));
      });
    });
    asking.on('error', (cause) =>
      reject(
        new WeftError('NO_DAEMON', `no emulated AWS answers at ${at}`, {
          cause,
          hint: 'start a lab with a VPC, or "weftd lab aws start" and give its URL to --to',
        }),
      ),
    );
    asking.end(value === undefined ? '' : JSON.stringify(value));
  });
}
