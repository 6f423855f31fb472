/** Asks the daemon that runs on this host, by its control socket: HTTP over a Unix socket that only root may open. */
import { request, type RequestOptions } from 'node:http';
import { asWeftError, WeftError } from '../core/errors.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** An answer comes from memory: a daemon that needs longer hangs. */
const ANSWER_WITHIN_MS = 10_000;

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Milliseconds until the daemon must have answered. */
  readonly withinMs?: number;
}

/** @throws WeftError NO_DAEMON when nobody listens there, NOT_PERMITTED when the socket may not be opened. */
export async function ask(socketPath: string, question: Question, signal: AbortSignal): Promise<Answer> {
  const withinMs = question.withinMs ?? ANSWER_WITHIN_MS;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
  try {
    return await exchange({ socketPath, method: question.method, path: question.path, signal: deadline, agent: false });
  } catch (error) {
    if (signal.aborted) throw new WeftError('ABORTED', 'ended by a signal', { cause: error });
    if (deadline.aborted)
      throw new WeftError('NO_DAEMON', `the daemon at ${socketPath} did not answer within ${withinMs / 1000} s`);
    throw asDaemonError(error, socketPath);
  }
}

function exchange(options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request(options, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
      );
    });
    asking.on('error', reject);
    asking.end();
  });
}

function asDaemonError(error: unknown, socketPath: string): WeftError {
  const errno = error instanceof Error && 'code' in error ? error.code : undefined;
  if (errno === 'EACCES' || errno === 'EPERM') {
    return new WeftError('NOT_PERMITTED', `may not open ${socketPath}`, { cause: error, hint: 'Run it as root.' });
  }
  if (errno === 'ENOENT' || errno === 'ECONNREFUSED') {
    return new WeftError('NO_DAEMON', `no weftd listens at ${socketPath}`, {
      cause: error,
      hint: 'Start it with weftd run, or name its --state-dir.',
    });
  }
  return asWeftError(error);
}
