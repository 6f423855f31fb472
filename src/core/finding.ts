/** Something on this host or in the store that a person should know, which no pass can put right by itself. */
import type { ErrorCode } from './errors.ts';

export interface Finding {
  readonly code: ErrorCode;
  readonly message: string;
}
