export type InstanceState = 'pending' | 'running' | 'stopping' | 'stopped' | 'shutting-down' | 'terminated' | 'unknown';

export interface CloudInstance {
  /** `terminated` only when the cloud says so; `unknown`: the cloud does not name it (any more, or not yet). */
  readonly state: InstanceState;
  /** AWS: its VPC. Undefined when the cloud does not say, as of one that is terminated. */
  readonly network: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
}

export interface CloudInterface {
  readonly target: string;
  readonly instance: string | undefined;
  readonly network: string;
  readonly subnet: string;
  /** False: packets of other addresses are dropped at this interface. */
  readonly forwards: boolean;
}

export interface RouteQuota {
  /** Routes that one table may hold, as `CloudTable.occupied` counts them. */
  readonly limit: number;
  readonly source: 'live' | 'default';
}

/** A machine's end that the cloud holds up until it is told to go on (AWS: a lifecycle hook of an Auto Scaling group). */
export interface LifecycleAction {
  readonly group: string;
  readonly hook: string;
  readonly instance: string;
  /** Names this one action; opaque. */
  readonly token: string;
}

/**
 * What a cloud knows of its machines. Read by the reconciler, and by a claimer that finds no free subnet. Paged inside; complete or it rejects, with the
 * errors of CloudNetwork.
 */
export interface CloudInventory {
  /** One for each id asked for. */
  instances(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, CloudInstance>>;
  /** One that is not there is left out. */
  interfaces(targets: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, CloudInterface>>;
  /** How many routes one table may hold, read live or a few minutes ago; the cloud's published default when that is denied or cannot be had: rejects with ABORTED alone. */
  routeQuota(table: string, signal: AbortSignal): Promise<RouteQuota>;
  /** Tells the cloud that a machine on its way out may go. Of an action that is over: succeeds. */
  completeLifecycle(action: LifecycleAction, signal: AbortSignal): Promise<void>;
}
