/** What was done to the cloud in the name of the network, line by line, for people who ask later. */
import type { Subnet } from './subnet.ts';

export type AuditedAction =
  | 'created'
  | 'replaced'
  | 'removed'
  | 'adopted'
  | 'released'
  /** An interface's source/destination check was switched off. */
  | 'prepared'
  /** Routes are written by nodes, or by the reconciler, from now on. */
  | 'handed over';

export interface AuditEntry {
  /** ISO 8601, UTC, by the clock of whoever did it. */
  readonly at: string;
  /** Node id, or name of the reconciler. */
  readonly by: string;
  readonly action: AuditedAction;
  readonly table?: string;
  readonly destination?: Subnet;
  /** Target before and after; absent: there was, or is, none. */
  readonly before?: string;
  readonly after?: string;
  /** Whose subnet it is. */
  readonly node?: string;
  readonly epoch?: number;
  readonly why: string;
}
