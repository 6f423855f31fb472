/** What a sub-command is told and what it answers. */
import type { Clock } from '../contracts/clock.ts';
import type { Random } from '../contracts/random.ts';
import type { Records } from '../contracts/records.ts';
import type { LeaseStore } from '../contracts/lease-store.ts';
import type { Options } from '../options.ts';

export interface StoreSeams {
  readonly clock: Clock;
  readonly random: Random;
  /** Where this machine is, for a store that is told of no region; undefined: in no cloud that we know. @throws WeftError CLOUD_UNREACHABLE */
  readonly machineRegion?: () => Promise<string | undefined>;
  /** For the user that the URL names. */
  readonly password?: string;
}

/** A store as the provider's folder opens it. */
export interface OpenedStore {
  /** `dynamodb`, `etcd`. */
  readonly kind: string;
  /** The store's name in full, the same however it was written: what instances of weftd on one host are told apart by. */
  readonly identity: string;
  readonly store: LeaseStore;
  readonly records: Records;
  /** After so long everybody who watches has seen a change. */
  readonly seenWithinMs: number;
  /** Makes what the store needs, where it is not there yet; says whether it had to. */
  create(signal: AbortSignal): Promise<boolean>;
  close(): void;
}

export interface Io {
  /** Writes to stdout. */
  out(text: string): void;
  /** Writes to stderr. */
  err(text: string): void;
  /** All of stdin. */
  input(): Promise<string>;
}

export interface Invocation {
  readonly options: Options;
  /** The words behind the command's name. */
  readonly operands: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly io: Io;
  readonly version: string;
  readonly clock: Clock;
  /** Fires on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** @throws WeftError BAD_OPTION for a URL of no store that this version carries. */
  openStore(url: string, seams: StoreSeams): Promise<OpenedStore>;
}

/** Resolves to the exit code. */
export type Action = (invocation: Invocation) => Promise<number>;
