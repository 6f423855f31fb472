/** The network config that a person hands over: a file's text, or standard input's. */
import { readFile } from 'node:fs/promises';
import { WeftError } from '../core/errors.ts';
import { errnoOf } from '../host/host-errors.ts';
import type { Invocation } from './command.ts';

/** @throws WeftError BAD_OPTION */
export async function readInput(file: string, { io }: Pick<Invocation, 'io'>): Promise<string> {
  if (file === '-') return io.input();
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new WeftError('BAD_OPTION', `--file "${file}": cannot read it: ${errnoOf(error) ?? String(error)}`, {
      cause: error,
    });
  }
}
