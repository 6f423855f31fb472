/**
 * JSON lines on stderr, by pino. It takes a seventh of the time from start to subnet.env to load, so lines of the first moments wait
 * in memory until it is there; `close` writes whatever waits.
 */
import type { DestinationStream, Level, Logger } from 'pino';
import type { Log, LogFields } from '../contracts/log.ts';
import { HIDDEN, LOG_LEVELS, readableError, SECRETS, type LogLevel } from './log-words.ts';

export { LOG_LEVELS, type LogLevel };

/** After the first line, so that loading does not compete with the start. */
const LOAD_AFTER_MS = 250;

interface Line {
  readonly level: LogLevel;
  readonly timeMs: number;
  readonly fields: LogFields;
  readonly message: string;
}

export class PinoLog implements Log {
  readonly #level: LogLevel;
  readonly #destination: DestinationStream | undefined;
  #waiting: Line[] = [];
  #logger: Logger | undefined;
  #loading: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lineTimeMs = 0;

  /** @param destination where lines go; stderr unless a test says otherwise. */
  constructor(level: LogLevel, destination?: DestinationStream) {
    this.#level = level;
    this.#destination = destination;
  }

  debug(fields: LogFields, message: string): void {
    this.#log('debug', fields, message);
  }

  info(fields: LogFields, message: string): void {
    this.#log('info', fields, message);
  }

  warn(fields: LogFields, message: string): void {
    this.#log('warn', fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.#log('error', fields, message);
  }

  /** Resolves when everything logged so far has been written. */
  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    clearTimeout(this.#timer);
    await (this.#loading ??= this.#load());
  }

  #log(level: LogLevel, fields: LogFields, message: string): void {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.#level)) return;
    const line = { level, timeMs: Date.now(), fields, message };
    if (this.#logger !== undefined) return this.#write(this.#logger, line);
    this.#waiting.push(line);
    // Unreferenced: a program that has nothing else to do ends by `flush`.
    this.#timer ??= setTimeout(() => void this.flush(), LOAD_AFTER_MS).unref();
  }

  async #load(): Promise<void> {
    // By its default: bundled, a CommonJS package that is imported on demand has no other.
    const { default: pino } = await import('pino');
    const level: Level = this.#level;
    const logger = pino(
      {
        level,
        base: { pid: process.pid },
        formatters: { level: (label) => ({ level: label }) },
        timestamp: () => `,"time":"${new Date(this.#lineTimeMs).toISOString()}"`,
        serializers: { error: readableError },
        redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: HIDDEN },
      },
      // Written at once: a line that waits in a buffer is lost with the process that it would explain.
      this.#destination ?? pino.destination({ dest: 2, sync: true }),
    );
    for (const line of this.#waiting) this.#write(logger, line);
    this.#waiting = [];
    this.#logger = logger;
  }

  #write(logger: Logger, { level, timeMs, fields, message }: Line): void {
    this.#lineTimeMs = timeMs;
    logger[level](fields, message);
  }
}
