/** What the daemon answered, read; its refusals as errors of ours. */
import { ERROR_KINDS, WeftError, type ErrorCode } from '../core/errors.ts';
import { isJsonObject } from '../core/json.ts';
import type { Answer } from './control-client.ts';

/** The caller names the type: both ends of the socket are of one release. @throws WeftError: the daemon's own, or INTERNAL */
export function daemonJson<T>({ status, text }: Answer): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new WeftError('INTERNAL', `the daemon answered with status ${status} and no JSON`, { cause: error });
  }
  if (status >= 200 && status < 300) return value as T;
  const { code, message, hint } = isJsonObject(value) && isJsonObject(value['error']) ? value['error'] : {};
  throw new WeftError(
    isErrorCode(code) ? code : 'INTERNAL',
    typeof message === 'string' ? message : `the daemon answered with status ${status}`,
    typeof hint === 'string' ? { hint } : {},
  );
}

const isErrorCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(ERROR_KINDS, code);
