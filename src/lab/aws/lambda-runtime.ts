/**
 * One execution environment of a Lambda function: a process with the unpacked bundle, and the Runtime API that hands it one event after the other.
 * A process that breaks off or takes too long is gone, and the next event meets a cold start.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createInterface } from 'node:readline';
import { bareEnvironment } from '../program.ts';
import { asRecord, readBody } from './http-body.ts';
import { BOOTSTRAP } from './lambda-bootstrap.ts';
import type { LabClock } from './timeline.ts';

export interface FunctionPlan {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  /** The unpacked bundle. */
  readonly folder: string;
  /** File without its ending, and export. */
  readonly handler: string;
  /** Of the function, with the credentials of its role. */
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export interface RuntimePlace {
  /** Makes the server listen where the function's process reaches it; the address for it. */
  listen(server: Server): Promise<string>;
  /** The words that start a program there. */
  command(words: readonly [string, ...string[]]): readonly [string, ...string[]];
}

export type Outcome =
  | { readonly kind: 'answered'; readonly answer: unknown }
  /** The handler, or its loading, threw. */
  | { readonly kind: 'failed'; readonly type: string; readonly message: string }
  | { readonly kind: 'timed out' }
  | { readonly kind: 'crashed'; readonly how: string };

export interface Invocation {
  readonly request: string;
  readonly outcome: Outcome;
  /** From the start of the process until it asked for its first event; undefined: it was warm. */
  readonly coldMs: number | undefined;
  readonly tookMs: number;
}

interface Running {
  readonly request: string;
  readonly event: string;
  readonly end: (outcome: Outcome) => void;
  /** Undefined: not handed over yet. */
  handedAtMs: number | undefined;
}

export const ON_LOOPBACK: RuntimePlace = {
  listen: (server) =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? `127.0.0.1:${address.port}` : '');
      });
    }),
  command: (words) => words,
};

export class LambdaRuntime {
  readonly #plan: FunctionPlan;
  readonly #clock: LabClock;
  readonly #place: RuntimePlace;
  readonly #onLine: (line: string) => void;
  readonly #server: Server;
  #api: Promise<string> | undefined;
  #process: ChildProcess | undefined;
  #startedAtMs = 0;
  /** The process asks for an event, and there is none. */
  #asking: ServerResponse | undefined;
  #running: Running | undefined;
  #timer = new AbortController();

  /** @param onLine takes what the function prints, as CloudWatch does. */
  constructor(plan: FunctionPlan, clock: LabClock, onLine: (line: string) => void, place: RuntimePlace = ON_LOOPBACK) {
    this.#plan = plan;
    this.#clock = clock;
    this.#place = place;
    this.#onLine = onLine;
    this.#server = createServer((request, response) => {
      response.on('error', () => {});
      this.#serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
  }

  /** One after the other: a second one while the first runs is an error of the caller. */
  async invoke(event: unknown): Promise<Invocation> {
    if (this.#running !== undefined) throw new Error(`${this.#plan.name} runs already`);
    const cold = this.#process === undefined;
    const ended = new Promise<Outcome>((end) => {
      this.#running = { request: randomUUID(), event: JSON.stringify(event), end, handedAtMs: undefined };
    });
    const running = this.#running;
    if (running === undefined) throw new Error('nothing runs');
    const calledAtMs = this.#clock.now();
    if (cold) await this.#start();
    else this.#handOver();
    const outcome = await ended;
    // What it printed before it answered lies in its pipes, and is read with the next turns.
    for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve));
    this.#timer.abort();
    this.#running = undefined;
    if (outcome.kind !== 'answered' && outcome.kind !== 'failed') this.#kill();
    const { request, handedAtMs = calledAtMs } = running;
    const coldMs = cold ? handedAtMs - this.#startedAtMs : undefined;
    return { request, outcome, coldMs, tookMs: this.#clock.now() - handedAtMs };
  }

  /** The process is gone, in the middle of whatever it does. */
  crash(): void {
    this.#process?.kill('SIGKILL');
  }

  close(): void {
    this.#timer.abort();
    this.#kill();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #start(): Promise<void> {
    this.#api ??= this.#place.listen(this.#server);
    const { name, region, folder, handler, environment } = this.#plan;
    const own = {
      AWS_LAMBDA_RUNTIME_API: await this.#api,
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      LAMBDA_TASK_ROOT: folder,
      _HANDLER: handler,
      TZ: ':UTC',
    };
    const [program, ...args] = this.#place.command([process.execPath, '--input-type=module', '--eval', BOOTSTRAP]);
    this.#startedAtMs = this.#clock.now();
    const child = spawn(program, args, {
      cwd: folder,
      env: { ...bareEnvironment(), ...environment, ...own },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', this.#onLine);
    const gone = (how: string): void => {
      if (this.#process !== child) return;
      this.#process = undefined;
      this.#asking = undefined;
      this.#running?.end({ kind: 'crashed', how });
    };
    child.on('error', (error) => gone(error.message));
    child.on('exit', (code, signal) => gone(signal ?? `exit code ${code}`));
  }

  #kill(): void {
    const child = this.#process;
    this.#process = undefined;
    this.#asking = undefined;
    child?.kill('SIGKILL');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, place = ''] = /^\/2018-06-01\/runtime\/(.*)$/.exec(request.url ?? '') ?? [];
    const text = await readBody(request);
    if (request.method === 'GET' && place === 'invocation/next') {
      this.#asking = response;
      this.#handOver();
      return;
    }
    const [, id, what] = /^(?:invocation\/([0-9a-f-]+)|init)\/(response|error)$/.exec(place) ?? [];
    response.writeHead(what === undefined ? 404 : 202).end('{}');
    // An answer to an event that was given up is nobody's.
    if (what === undefined || (id !== undefined && id !== this.#running?.request)) return;
    if (what === 'response') this.#running?.end({ kind: 'answered', answer: JSON.parse(text) });
    else {
      const { errorType, errorMessage } = asRecord(JSON.parse(text));
      this.#running?.end({ kind: 'failed', type: String(errorType), message: String(errorMessage) });
    }
  }

  #handOver(): void {
    const [running, response] = [this.#running, this.#asking];
    if (running === undefined || running.handedAtMs !== undefined || response === undefined) return;
    this.#asking = undefined;
    running.handedAtMs = this.#clock.now();
    const { name, account, region, timeoutMs } = this.#plan;
    response
      .writeHead(200, {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': running.request,
        'lambda-runtime-deadline-ms': String(Math.round(this.#clock.wallTime() + timeoutMs)),
        'lambda-runtime-invoked-function-arn': `arn:aws:lambda:${region}:${account}:function:${name}`,
      })
      .end(running.event);
    this.#timer = new AbortController();
    this.#clock.sleep(timeoutMs, this.#timer.signal).then(
      () => running.end({ kind: 'timed out' }),
      () => {},
    );
  }
}
