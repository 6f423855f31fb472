/** Whoever started this process and waits to hear from it: a service manager. */
export interface Told {
  /** The start is over; what waits for it may go on. */
  readonly ready?: true;
  /** The end has begun. */
  readonly stopping?: true;
  /** Sign of life. */
  readonly alive?: true;
  /** How it fares, in one line for people. */
  readonly status?: string;
}

export interface Supervisor {
  /** It ends a process from which no sign of life came for so long; undefined: it does not wait for any. */
  readonly watchdogMs: number | undefined;
  /** Does not wait, and does not throw. False: it could not be told now, and may be later. */
  tell(what: Told): boolean;
}
