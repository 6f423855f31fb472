/** The region for who was told of none: on an instance of AWS its own, which the SDK does not ask for by itself. */
import { WeftError } from '../../src/core/errors.ts';

/** Found once. While the machine cannot be asked the store counts as away, and it is asked again with the next call. */
export function regionOr(
  usual: () => Promise<string>,
  machine: () => Promise<string | undefined>,
): () => Promise<string> {
  let found: string | undefined;
  return async () => {
    found ??= await usual().catch(async (error: unknown) => {
      const region = await machine().catch((cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new WeftError('STORE_UNREACHABLE', `the region of the store is not known yet: ${why}`, { cause });
      });
      if (region === undefined) throw error;
      return region;
    });
    return found;
  };
}
