import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { weftUnit } from '../../src/core/user-data-unit.ts';
import { shellWord } from '../../src/core/user-data-words.ts';
import { writeUnit } from '../../src/core/user-data.ts';
import { readUnit } from '../commands/systemd-unit.ts';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'weft-user-data-'));
after(() => rmSync(scratch, { recursive: true }));

const sh = (args: readonly string[]): { stdout: string; stderr: string; status: number | null } =>
  spawnSync('sh', args, { cwd: scratch, encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', HOME: '/home/of' } });

/** What an option may hold: no NUL, which no argument of a process can have. */
const hostile = fc
  .oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom(...Array.from('\'"`$\\%;&|<>(){}#!*?~= \t\n\rxn0aA\u007f\u0001\u0085é')) }),
    fc.constantFrom(
      '$(touch broken)',
      '`touch broken`',
      "'; touch broken; '",
      '"\ntouch broken\n"',
      '\nEND_OF_UNIT\ntouch broken\n',
      'x\nExecStartPre=/bin/touch broken',
      '%h%%n%',
      '$HOME ${HOME} $$HOME $$',
      ';',
      '\\',
      '\\x41\\n',
      // Ends of a line to Unicode, and not to a shell or systemd.
      'a\u2028b\u2029c\u0085d',
      '#',
      '',
    ),
  )
  .filter((text) => !text.includes('\0'));
/** Those of systemd's own rules for variables. */
const value = hostile.map((text) => text.replaceAll(/[^\P{Cc}\t\n]/gu, ''));

describe('what user data writes', () => {
  it('comes out of the shell and of systemd as it went in, whatever it is', () => {
    const unit = path.join(scratch, 'weftd.service');
    const script = path.join(scratch, 'script');
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 4 }), fc.array(value, { maxLength: 3 }), (words, values) => {
        const environment = values.map((text, index) => [`NAME_${index}`, text] as const);
        writeFileSync(script, `set -eu\n${writeUnit(unit, weftUnit({ arguments: words, environment }))}`);
        assert.deepEqual(sh(['-n', script]).stderr, '');
        const { status, stdout, stderr } = sh([script]);
        assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
        const read = readUnit(readFileSync(unit, 'utf8'));
        assert.deepEqual(read.command, ['/usr/local/bin/weftd', 'run', ...words]);
        assert.deepEqual(read.environment, Object.fromEntries(environment));
        assert.deepEqual(
          [...read.settings.keys()].filter((key) => key.startsWith('Service.Exec')),
          ['Service.ExecStart', 'Service.ExecReload'],
        );
        assert.deepEqual(readdirSync(scratch).toSorted(), ['script', 'weftd.service']);
      }),
      { numRuns: 150, examples: [[['\u2029'], ['\u2028']]] },
    );
  });

  it('holds words that a shell passes on as they are', () => {
    fc.assert(
      fc.property(hostile, (word) => {
        assert.equal(sh(['-c', `printf %s. ${shellWord(word)}`]).stdout, `${word}.`);
      }),
      { numRuns: 150 },
    );
  });
});
