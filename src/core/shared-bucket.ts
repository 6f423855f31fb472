/** A token bucket that many draw from, as it is stored, and how it fills. Less is drawn for a while after the cloud has said that it was too much. */
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';

export interface ApiRate {
  readonly perSecond: number;
  readonly burst: number;
}

export interface Bucket {
  /** 0 to the burst. */
  readonly tokens: number;
  /** How much of the rate is used: halved by each refusal, and grown again step by step (AIMD). */
  readonly share: number;
}

const VERSION = 1;
const LEAST_SHARE = 1 / 16;
/** From nothing to the whole rate; EC2's bucket of calls that change something fills in 10 s. */
const RECOVERY_MS = 120_000;

const FULL_SHARE = 1;

/** Where nobody has drawn yet. */
export const fullBucket = ({ burst }: ApiRate): Bucket => ({ tokens: burst, share: FULL_SHARE });

/** What was drawn before is not known. */
export const emptyBucket: Bucket = { tokens: 0, share: FULL_SHARE };

/** After the cloud has refused a call. */
export const refusedBucket = ({ share }: Bucket): Bucket => ({ tokens: 0, share: Math.max(LEAST_SHARE, share / 2) });

const between = (least: number, value: number, most: number): number => Math.min(Math.max(value, least), most);

/** As it is so much later. */
export function bucketAt({ tokens, share }: Bucket, elapsedMs: number, { perSecond, burst }: ApiRate): Bucket {
  const passedMs = Math.max(0, elapsedMs);
  const growsMs = Math.min(passedMs, (FULL_SHARE - share) * RECOVERY_MS);
  const grown = share + growsMs / RECOVERY_MS;
  const fullMs = (growsMs * (share + grown)) / 2 + (passedMs - growsMs) * FULL_SHARE;
  return { tokens: between(0, tokens + (fullMs * perSecond) / 1000, burst), share: grown };
}

/** Until so many are there, none there being taken meanwhile. */
export const fillsInMs = ({ tokens, share }: Bucket, most: number, { perSecond }: ApiRate): number =>
  Math.max(1, Math.ceil(((most - tokens) * 1000) / (perSecond * share)));

export interface StoredBucket extends Bucket {
  /** When it was so, by the wall clock of whoever wrote it. */
  readonly wallMs: number;
}

export const bucketToJson = ({ tokens, share, wallMs }: StoredBucket): JsonObject => ({
  v: VERSION,
  tokens: Math.round(tokens * 1000) / 1000,
  share: Math.round(share * 1000) / 1000,
  wallMs,
});

/** Undefined when it is none; what is out of its bounds is brought into them. */
export function readBucket(value: JsonValue, { burst }: ApiRate): StoredBucket | undefined {
  if (!isJsonObject(value) || value['v'] !== VERSION) return undefined;
  const { tokens, share, wallMs } = value;
  if (typeof tokens !== 'number' || typeof share !== 'number' || typeof wallMs !== 'number') return undefined;
  return { tokens: between(0, tokens, burst), share: between(LEAST_SHARE, share, FULL_SHARE), wallMs };
}
