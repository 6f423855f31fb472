import { WeftError } from '../core/errors.ts';
import type { Action } from './command.ts';
import { namedStore } from './named-store.ts';
import { withStore } from './with-store.ts';

export const configGet: Action = (invocation) =>
  withStore(invocation, async ({ store }) => {
    const { io, options, signal } = invocation;
    const stored = await store.config(signal);
    if (stored === undefined) {
      throw new WeftError('CONFIG_MISSING', `there is no network config in ${namedStore(options).url}`, {
        hint: 'Write one: weftd config set -f FILE.',
      });
    }
    if (options.json) io.out(`${JSON.stringify({ version: stored.version, text: stored.text })}\n`);
    else io.out(stored.text.endsWith('\n') ? stored.text : `${stored.text}\n`);
    return 0;
  });
