/** Colour on terminals that want it (https://no-color.org). */
import { stripVTControlCharacters } from 'node:util';
import type { Terminal } from './terminal.ts';

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;
export type Colour = keyof typeof CODES;
export type Paint = (colour: Colour, text: string) => string;

/** A live terminal: lines may be written over. */
export function isLive(terminal: Terminal, env: Readonly<Record<string, string | undefined>>): boolean {
  return terminal.isTTY === true && env['TERM'] !== 'dumb';
}

export function paintFor(terminal: Terminal, env: Readonly<Record<string, string | undefined>>): Paint {
  const refused = (env['NO_COLOR'] ?? '') !== '';
  const forced = (env['FORCE_COLOR'] ?? '0') !== '0';
  if (refused || !(forced || isLive(terminal, env))) return (_, text) => text;
  return (colour, text) => `\u001B[${CODES[colour]}m${text}\u001B[0m`;
}

/** Characters as they stand on the screen: what paint adds takes no room. */
export const widthOf = (text: string): number => stripVTControlCharacters(text).length;

export const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));
