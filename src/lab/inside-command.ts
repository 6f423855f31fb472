/** `weftd lab inside`: the first process inside the lab's namespaces. A person never types it. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { asWeftError } from '../core/errors.ts';
import { isInstance } from './aws/aws-site.ts';
import { drawTopology } from './drawing.ts';
import { LAB_FOLDER, settleIn } from './inside.ts';
import { CARD_FILE, type LabCard } from './kept-labs.ts';
import { Lab } from './lab.ts';
import { tail } from './lab-process.ts';
import { Lifeline, TERMINALS_VARIABLE } from './lifeline.ts';
import { Report } from './report.ts';
import type { Scenario } from './scenario.ts';
import { Screen } from './screen.ts';
import { begin } from './steps/begin.ts';
import type { StoreKind } from './store.ts';
import type { Topology } from './topology.ts';

export interface InsideOptions {
  readonly scenario: Scenario;
  readonly store: StoreKind;
  /** `up` starts all hosts and plays nothing. */
  readonly mode: 'demo' | 'up';
  readonly keep: boolean;
  readonly json: boolean;
  readonly executable: string;
}

const LOG_LINES = 12;

export async function runInside(options: InsideOptions): Promise<number> {
  const lifeline = new Lifeline(process.env[TERMINALS_VARIABLE]);
  const ending = new AbortController();
  // As the first process of its pid namespace it ends all others with it.
  lifeline.onLost(() => process.exit(1));
  process.on('SIGTERM', () => process.exit(0));
  // Once the person's command is gone nobody reads these.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

  const startMs = performance.now();
  const screen = new Screen(options.json ? lifeline.stderr : lifeline.stdout, process.env);
  const report = new Report();
  let lab: Lab | undefined;
  try {
    await settleIn(options.executable);
    lab = await raise(options, screen, ending.signal);
    const stage = { lab, screen, report, signal: ending.signal };
    if (options.mode === 'demo') await options.scenario.play(stage);
    else await begin(stage, [...lab.hosts.values()], options.scenario.config);
  } catch (error) {
    const { message, hint } = asWeftError(error);
    report.check('the scenario plays to its end', false, hint === undefined ? message : `${message} (${hint})`);
  }
  if (options.mode === 'demo' || !report.ok) conclude(screen, report, lab, performance.now() - startMs);
  if (report.ok && options.mode === 'demo' && !options.keep) {
    screen.lines(howToTry(options.executable, lab?.aws !== undefined).map((line) => screen.paint('dim', line)));
  }
  if (options.json) lifeline.stdout.write(`${report.toJson()}\n`);
  const code = report.ok ? 0 : 1;
  if (options.keep && lab !== undefined) {
    screen.lines(howToGoOn(options.executable, lab));
    lifeline.keep(code);
    return await new Promise<number>(() => {});
  }
  await lab?.close();
  await lifeline.close();
  return code;
}

async function raise(options: InsideOptions, screen: Screen, signal: AbortSignal): Promise<Lab> {
  const { scenario, store, executable } = options;
  const { paint } = screen;
  screen.line(`${paint('bold', 'weftd lab')}  ${scenario.name}`);
  screen.line(paint('dim', scenario.summary));
  screen.line();
  const { topology, policed = false } = scenario;
  screen.lines(drawTopology(options.mode === 'up' ? allAtOnce(topology) : topology, store, paint));
  screen.line();
  const step = screen.step('namespaces, bridges, cables and the store');
  const lab = await Lab.start(topology, { executable, folder: LAB_FOLDER, store, policed }, signal);
  step.done('no packet leaves them');
  const hosts = [...lab.hosts.values()].map(({ name, plan, stateFolder, environment }) => ({
    name,
    address: plan.address,
    stateFolder,
    environment,
  }));
  const card: LabCard = { scenario: scenario.name, executable, kept: options.keep, hosts };
  writeFileSync(CARD_FILE, JSON.stringify(card));
  return lab;
}

/** Nobody joins later. */
const allAtOnce = (topology: Topology): Topology => ({
  ...topology,
  hosts: topology.hosts.map((host) => ({ ...host, joinsLater: false })),
});

/** What held, or what did not and the end of every log. */
function conclude(screen: Screen, report: Report, lab: Lab | undefined, tookMs: number): void {
  const { paint } = screen;
  const seconds = `${(tookMs / 1000).toFixed(1)} s`;
  screen.line();
  if (report.ok) {
    screen.line(paint('green', `✔ all ${report.checks.length} expectations held, ${seconds}`));
    return;
  }
  for (const { name, seen } of report.failures) {
    screen.line(`${paint('red', '✘')} ${name}`);
    for (const line of seen.split('\n')) screen.line(`    ${line}`);
  }
  const processes = lab === undefined ? [] : [...lab.hosts.values()].flatMap(({ daemon }) => daemon ?? []);
  for (const process of lab === undefined ? [] : [...processes, lab.store.process]) {
    screen.line();
    screen.line(paint('dim', `${process.name}: ${process.ending ?? 'running'}; the end of ${process.logFile}`));
    screen.lines(tail(process, LOG_LINES).map((line) => `    ${line}`));
  }
  screen.line();
  screen.line(paint('red', `✘ ${report.failures.length} of ${report.checks.length} expectations failed, ${seconds}`));
}

/** How a person starts weftd: installed, or from a checkout. */
function startOf(executable: string): { readonly weftd: string; readonly demo: string } {
  const relative = path.relative(process.cwd(), executable);
  return relative.startsWith('..')
    ? { weftd: 'weftd', demo: 'weftd lab demo' }
    : { weftd: `node ${relative}`, demo: 'npm start --' };
}

function howToTry(executable: string, hasAws: boolean): readonly string[] {
  const { weftd, demo } = startOf(executable);
  const aws = hasAws ? [`and ${weftd} lab aws help says what may go wrong in its EC2.`] : [];
  return ['', `To try it by hand: ${demo} --keep leaves all of it running${hasAws ? ',' : '.'}`, ...aws];
}

function howToGoOn(executable: string, { aws, topology, hosts }: Lab): readonly string[] {
  const { weftd } = startOf(executable);
  const told = (words: string, what: string): string => `  ${weftd} lab ${words.padEnd(34)}${what}`;
  const instance = aws && [...hosts.values()].findLast(({ plan }) => isInstance(topology, plan));
  return [
    '',
    'The lab stays up. From any terminal:',
    told('status', 'what every host says of itself'),
    told('exec a1 -- ip route', 'a command on a host'),
    told('exec a1 -- weftd status', "weftd's own commands too"),
    told('exec a1-c1 -- sh', 'in its container'),
    ...(instance === undefined
      ? []
      : [
          told('aws state', 'what EC2 says: tables, routes, instances'),
          told(`aws kill-routes instance=${instance.name}`, 'its routes die; mend-routes repairs them'),
          told(`exec a1 -- weftd explain ${instance.plan.address}`, `why a1 sends to ${instance.name} as it does`),
          told('aws help', 'what else may go wrong there'),
        ]),
    told('down', 'ends it; nothing is left'),
  ];
}
