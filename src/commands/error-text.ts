/** How an error that ends a command is told to whoever typed it. */
import { asWeftError, ERROR_KINDS } from '../core/errors.ts';

/** `weftd: CODE: message`, and below it what may be done. */
export function errorText(error: unknown): string {
  const { code, message, hint, cause } = asWeftError(error);
  // A fault of our own: whoever mends it needs to know where.
  const stack = code === 'INTERNAL' && cause instanceof Error ? (cause.stack ?? '').split('\n').slice(1) : [];
  return `weftd: ${code}: ${message}\n${hint === undefined ? '' : `  ${hint}\n`}${stack.map((line) => `${line}\n`).join('')}`;
}

/** The same for programs. */
export function errorJson(error: unknown): string {
  const { code, message, hint } = asWeftError(error);
  return `${JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }) } })}\n`;
}

export const exitCodeOf = (error: unknown): number => ERROR_KINDS[asWeftError(error).code].exit;
