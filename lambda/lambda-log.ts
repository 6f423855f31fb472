/** Our log as lines of CloudWatch, by powertools: each carries the function, the request and whether it was a cold start. */
import { Logger } from '@aws-lambda-powertools/logger';
import type { Log, LogFields } from '../src/contracts/log.ts';
import { HIDDEN, readableError, SECRETS, type LogLevel } from '../src/system/log-words.ts';

const LEVELS = { debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR' } as const;

export interface RequestLog extends Log {
  level: LogLevel;
  /** Lines from now on belong to this invocation. */
  begin(request: string): void;
}

export class LambdaLog implements RequestLog {
  readonly #logger: Logger;
  #level: LogLevel = 'info';

  constructor(functionName: string) {
    this.#logger = new Logger({ serviceName: functionName, jsonReplacerFn: withoutSecrets });
  }

  get level(): LogLevel {
    return this.#level;
  }

  set level(level: LogLevel) {
    this.#level = level;
    this.#logger.setLogLevel(LEVELS[level]);
  }

  begin(request: string): void {
    this.#logger.appendKeys({ function_request_id: request });
  }

  debug(fields: LogFields, message: string): void {
    this.#logger.debug(message, readable(fields));
  }

  info(fields: LogFields, message: string): void {
    this.#logger.info(message, readable(fields));
  }

  warn(fields: LogFields, message: string): void {
    this.#logger.warn(message, readable(fields));
  }

  error(fields: LogFields, message: string): void {
    this.#logger.error(message, readable(fields));
  }
}

const withoutSecrets = (key: string, value: unknown): unknown => (SECRETS.includes(key) ? HIDDEN : value);

function readable(fields: LogFields): Record<string, unknown> {
  const all: Record<string, unknown> = { ...fields };
  if ('error' in all) all['error'] = readableError(all['error']);
  return all;
}
