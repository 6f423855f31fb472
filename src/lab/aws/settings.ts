/** How this AWS behaves; all of it can be changed while it runs. Milliseconds. */
export interface AwsSettings {
  /** From a write's answer until DescribeX shows it. */
  readonly visibilityMs: number;
  /** From a write's answer until packets follow it. */
  readonly forwardingMs: number;
  /** How old a signature may be: AWS's is 5 to 15 minutes. */
  readonly signatureWindowMs: number;
  /** This account's clock against the lab's. */
  readonly clockOffsetMs: number;
  /** The time that DynamoDB tells in its answers, against the account's: stores count quarantines by it. Where the gate stands before it. */
  readonly storeClockOffsetMs: number;
  readonly throttling: boolean;
  /** Static routes a table may hold. */
  readonly routeQuota: number;
  readonly pendingMs: number;
  readonly stoppingMs: number;
  readonly shuttingDownMs: number;
  /** How long DescribeInstances shows one that is terminated: AWS says about an hour. */
  readonly terminatedShownMs: number;
  /** From a target's end until the route's state shows it. */
  readonly blackholeShownMs: number;
  /** How long role credentials live. */
  readonly credentialLifeMs: number;
}

export const DEFAULT_SETTINGS: AwsSettings = {
  visibilityMs: 0,
  forwardingMs: 0,
  signatureWindowMs: 5 * 60_000,
  clockOffsetMs: 0,
  storeClockOffsetMs: 0,
  throttling: true,
  routeQuota: 500,
  pendingMs: 5000,
  stoppingMs: 30_000,
  shuttingDownMs: 30_000,
  terminatedShownMs: 3_600_000,
  blackholeShownMs: 0,
  credentialLifeMs: 6 * 3_600_000,
};

/** @throws Error naming the first key that is none, or whose value has another type than the default's. */
export function readSettings(value: Readonly<Record<string, unknown>>): Partial<AwsSettings> {
  for (const [key, given] of Object.entries(value)) {
    const standing: unknown = DEFAULT_SETTINGS[key as keyof AwsSettings];
    if (standing === undefined) throw new Error(`no setting "${key}": ${Object.keys(DEFAULT_SETTINGS).join(', ')}`);
    if (typeof given !== typeof standing) throw new Error(`setting ${key}: expected a ${typeof standing}`);
  }
  return value;
}
