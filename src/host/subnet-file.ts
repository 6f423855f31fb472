/** What subnet.env says from the run before: read once at start, before anything is written. */
import { readFile } from 'node:fs/promises';
import { WeftError } from '../core/errors.ts';
import { parseSubnetFile, type ParsedSubnetFile } from '../core/subnet-file.ts';
import { errnoOf, isGone } from './host-errors.ts';

/** Undefined when there is none. @throws WeftError SUBNET_FILE_UNREADABLE */
export async function readSubnetFile(path: string): Promise<ParsedSubnetFile | undefined> {
  try {
    return parseSubnetFile(await readFile(path, 'utf8'));
  } catch (error) {
    if (isGone(error)) return undefined;
    throw new WeftError(
      'SUBNET_FILE_UNREADABLE',
      `cannot read subnet file ${path}: ${errnoOf(error) ?? String(error)}`,
      {
        cause: error,
        hint: 'Check its type and mode, or name another with --subnet-file.',
      },
    );
  }
}
