/** What all logs have in common, whoever writes the lines: their levels, what stays out of them, and how an error reads. */
import { asWeftError, WeftError } from '../core/errors.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Names whose values never leave the process, at the top of the fields and one below. */
export const SECRETS: readonly string[] = [
  'password',
  'secret',
  'token',
  'authorization',
  'credentials',
  'secretAccessKey',
  'sessionToken',
  'privateKey',
];

export const HIDDEN = '[hidden]';

/** Our own errors by code and words; the stack only of those that nobody foresaw. */
export function readableError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // One line: some services repeat the whole request behind it, with what it was signed by.
  const cause = error.cause === undefined ? {} : { cause: asWeftError(error.cause).message.split('\n', 1).join() };
  if (!(error instanceof WeftError)) return { message: error.message, stack: error.stack, ...cause };
  const stack =
    error.code === 'INTERNAL' ? { stack: error.cause instanceof Error ? error.cause.stack : error.stack } : {};
  return {
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...cause,
    ...stack,
  };
}
