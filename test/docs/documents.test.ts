import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { COMMAND_NAMES } from '../../src/commands/command-name.ts';
import { ERROR_KINDS, type ErrorCode } from '../../src/core/errors.ts';
import { weftUnit } from '../../src/core/user-data-unit.ts';
import { splitArguments } from '../../src/commands/read-arguments.ts';
import { chooseCommand } from '../../src/commands/command-line.ts';
import { dependencyTable, optionTable, readDocument } from './tables.ts';

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' }).map((file) => path.join('docs', file)),
].filter((file) => file.endsWith('.md'));

/** Commands that stand for several. */
const GROUPS = ['config', 'lease'];

/** Command lines that a person may copy: fenced text and inline code of all documents, from the word weftd on. */
function commandLines(): { file: string; line: string }[] {
  return documents.flatMap((file) => {
    const text = readDocument(file);
    const fenced = [...text.matchAll(/^```(?:sh|console|bash)?\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
      block.split('\n'),
    );
    const inline = [...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/`(weftd[^`]*)`/g)].map(
      ([, code = '']) => code,
    );
    return [...fenced, ...inline].flatMap((line) => {
      const [, command] = /(?:^|[$|] )(weftd(?: [^|>&#;]*)?)$/.exec(line.replace(/ [|>&#].*$/, '').trim()) ?? [];
      return command === undefined ? [] : [{ file, line: command.trim() }];
    });
  });
}

describe('the documents', () => {
  it('list every option, as the table of options has it', () => {
    assert.ok(
      readDocument('docs/configuration.md').includes(optionTable()),
      `docs/configuration.md should hold:\n${optionTable()}`,
    );
  });

  it('show the systemd unit as user data writes it, but for its variables', () => {
    const unit = weftUnit({ environmentFile: '/etc/weft/weftd.env' });
    assert.ok(readDocument('docs/operating.md').includes(`\`\`\`ini\n${unit}\`\`\`\n`), `should hold:\n${unit}`);
  });

  it('hold the table of who may import what, as the linter has it', () => {
    assert.ok(
      readDocument('docs/architecture.md').includes(dependencyTable()),
      `docs/architecture.md should hold:\n${dependencyTable()}`,
    );
  });

  it('explain every error code, with its exit code and whether it goes over', () => {
    const rows = [...readDocument('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \| (yes|no) \| (\d) \| .+ \| .+ \|$/gm)];
    const documented = rows.map(([, code, retry, exit]) => `${code} ${retry} ${exit}`);
    const codes = Object.keys(ERROR_KINDS) as ErrorCode[];
    assert.deepEqual(
      documented.toSorted(),
      codes.map((code) => `${code} ${ERROR_KINDS[code].retry ? 'yes' : 'no'} ${ERROR_KINDS[code].exit}`).toSorted(),
    );
  });

  it('hold nothing that a merge left', () => {
    const left = documents.filter((file) => /^(?:<{7}|={7}|>{7})(?: |$)/m.test(readDocument(file)));
    assert.deepEqual(left, []);
  });

  it('show commands that exist, with options that they take', () => {
    const shown = commandLines();
    assert.ok(shown.length > 20, `only ${shown.length} found`);
    for (const { file, line } of shown) {
      // Placeholders of alternatives, as in "config get|set", and options' names alone are no command lines.
      const words = line.split(/\s+/).slice(1);
      if ([...GROUPS, ...COMMAND_NAMES].some((name) => name === words.join(' '))) continue;
      if (words[0] === 'lab' || words[0] === 'COMMAND') continue;
      assert.doesNotThrow(() => {
        const split = splitArguments(words);
        chooseCommand(split.words, split.help);
      }, `${file}: ${line}`);
    }
  });

  it('name every sub-command in the README', () => {
    const readme = readDocument('README.md');
    const missing = COMMAND_NAMES.filter((name) => !readme.includes(`weftd ${name}`));
    assert.deepEqual(missing, []);
  });

  it('link to files that are there', () => {
    const broken = documents.flatMap((file) =>
      [...readDocument(file).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
        .filter(([, target = '']) => !existsSync(path.join(path.dirname(file), target)))
        .map(([link]) => `${file}: ${link}`),
    );
    assert.deepEqual(broken, []);
  });

  it('name npm scripts that exist', () => {
    const { scripts } = JSON.parse(readDocument('package.json')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const named = documents.flatMap((file) =>
      [...readDocument(file).matchAll(/npm (?:run )?([a-z:-]+)/g)].map(([, name = '']) => name),
    );
    const notOurs = new Set(['ci', 'install', 'i', 'packages', 'pack']);
    assert.deepEqual(
      [...new Set(named)].filter((name) => !notOurs.has(name) && scripts[name] === undefined),
      [],
    );
  });
});
