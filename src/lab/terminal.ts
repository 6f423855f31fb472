/** What the lab prints to. `process.stdout` is one; so is the way from inside the namespaces to it. */
export interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface LabIo {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The weftd bundle: what the hosts run, and what the lab starts itself as anew inside its namespaces. */
  readonly executable: string;
  /** Aborted when a command that runs until it is ended shall end; undefined: by SIGINT or SIGTERM. */
  readonly ended?: AbortSignal;
}
