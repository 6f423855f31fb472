import { checkConfig } from '../core/config-check.ts';
import { WeftError } from '../core/errors.ts';
import type { Action, Invocation } from './command.ts';
import { readInput } from './config-input.ts';
import { findingsText } from './config-text.ts';
import { namedStore } from './named-store.ts';
import { withStore } from './with-store.ts';

export const configCheck: Action = async (invocation) => {
  const { io, options } = invocation;
  const findings = checkConfig(
    options.file === undefined ? await storedText(invocation) : await readInput(options.file, invocation),
  );
  io.out(options.json ? `${JSON.stringify({ findings })}\n` : findingsText(findings));
  return findings.some(({ level }) => level === 'error') ? 2 : 0;
};

const storedText = (invocation: Invocation): Promise<string> =>
  withStore(invocation, async ({ store }) => {
    const stored = await store.config(invocation.signal);
    if (stored !== undefined) return stored.text;
    throw new WeftError('CONFIG_MISSING', `there is no network config in ${namedStore(invocation.options).url}`, {
      hint: 'Check a file with -f FILE.',
    });
  });
