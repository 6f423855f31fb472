import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { readOptions, splitArguments } from '../../src/commands/read-arguments.ts';
import { checkConfig } from '../../src/core/config-check.ts';
import { flagOf, OPTION_KEYS, variableOf } from '../../src/options.ts';
import { readDocument } from './tables.ts';

const files = readdirSync('examples', { recursive: true, encoding: 'utf8' }).map((file) => path.join('examples', file));
const ending = (suffix: string): string[] => files.filter((file) => file.endsWith(suffix));

/** `NAME=value` lines of a systemd environment file. */
const variables = (file: string): [string, string][] =>
  readDocument(file)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);

describe('the examples', () => {
  for (const file of ending('network.json')) {
    it(`${file} is a network config without a fault`, () => {
      assert.deepEqual(
        checkConfig(readDocument(file)).filter(({ level }) => level !== 'note'),
        [],
      );
    });
  }

  for (const file of ending('weftd.env')) {
    it(`${file} names variables that exist, with values that can be read`, () => {
      const known = new Set(OPTION_KEYS.map((key) => variableOf(flagOf(key))));
      const ours = variables(file).filter(([name]) => !name.startsWith('AWS_'));
      assert.deepEqual(
        ours.map(([name]) => name).filter((name) => !known.has(name)),
        [],
      );
      const options = readOptions('run', splitArguments([]), Object.fromEntries(ours));
      assert.notEqual(options.store, undefined);
    });
  }

  for (const file of ending('.service')) {
    it(`${file} starts weftd with options that exist`, () => {
      const [, command = ''] = /^ExecStart=\S*\/weftd(.*)$/m.exec(readDocument(file)) ?? [];
      const { words } = splitArguments(command.trim().split(/\s+/));
      assert.deepEqual(words, ['run']);
    });
  }

  it('are there', () => {
    assert.ok(ending('network.json').length > 0 && ending('.service').length > 0);
  });
});
