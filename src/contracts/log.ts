/**
 * A log of transitions. Messages are constant; what varies stands in fields with fixed names:
 * `peer`, `subnet`, `path`, `why`, `code`, `durationMs`, `node`, `epoch`, `entry`, `count`, `error`;
 * of a change to the cloud also `action`, `before`, `after`.
 * Secrets never reach it.
 */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}
