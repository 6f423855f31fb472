/** A log that a test can read. */
import type { Log, LogFields } from '../../src/contracts/log.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

export class ListLog implements Log {
  readonly lines: LogLine[] = [];

  debug(fields: LogFields, message: string): void {
    this.lines.push({ level: 'debug', message, fields });
  }

  info(fields: LogFields, message: string): void {
    this.lines.push({ level: 'info', message, fields });
  }

  warn(fields: LogFields, message: string): void {
    this.lines.push({ level: 'warn', message, fields });
  }

  error(fields: LogFields, message: string): void {
    this.lines.push({ level: 'error', message, fields });
  }

  /** "warn a peer was lost {peer}": level, message and the names of the fields, as sorted text is compared. */
  get text(): string[] {
    return this.lines.map(
      ({ level, message, fields }) => `${level} ${message} {${Object.keys(fields).toSorted().join(' ')}}`,
    );
  }
}
