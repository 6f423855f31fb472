export type InstanceState = 'pending' | 'running' | 'stopping' | 'stopped' | 'shutting-down' | 'terminated' | 'unknown';

export interface CloudInterface {
  readonly target: string;
  readonly instance: string | undefined;
  readonly network: string;
  readonly subnet: string;
  /** False: packets of other addresses are dropped at this interface. */
  readonly forwards: boolean;
}

/** What a cloud knows of its machines. Read by the reconciler, and by a claimer that finds no free subnet. Paged inside; complete or it rejects. */
export interface CloudInventory {
  /** State of each instance asked for; `terminated` only when the cloud says so, `unknown` for one it does not name. */
  instances(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, InstanceState>>;
  interfaces(targets: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, CloudInterface>>;
  /** How many routes one table may hold, read live; the cloud's published default when that is denied. */
  routeQuota(
    table: string,
    signal: AbortSignal,
  ): Promise<{ readonly limit: number; readonly source: 'live' | 'default' }>;
  /** Tells the cloud that a machine on its way out may go. */
  completeLifecycle(instance: string, token: string, signal: AbortSignal): Promise<void>;
}
