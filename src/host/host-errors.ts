/** Errors of the file system and of programs as ours, translated in this one place. */
import { WeftError, type ErrorCode } from '../core/errors.ts';

/** The errno name of an error by Node (`ENOENT`), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Nothing stands at that path. */
export function isGone(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOENT' || errno === 'ENOTDIR';
}

/** `what` says what was attempted on what: "cannot write /run/x". */
export function fileError(what: string, error: unknown, otherwise: ErrorCode = 'KERNEL_REFUSED'): WeftError {
  const errno = errnoOf(error);
  // A container's /proc/sys is mounted read-only unless it is privileged.
  const denied = errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS';
  return new WeftError(
    denied ? 'NOT_PERMITTED' : otherwise,
    `${what}: ${errno ?? (error instanceof Error ? error.message : String(error))}`,
    { cause: error },
  );
}
