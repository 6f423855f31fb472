/**
 * Reads a unit as systemd does, by its manual pages and not by our own writer: systemd.syntax(7) for lines, quotes and escapes, systemd.unit(5) for
 * specifiers, systemd.service(5) "Command lines" for variables. What a unit of ours never has is an error here.
 */
import assert from 'node:assert/strict';

export interface ReadUnit {
  /** Values by `Section.Key`, in the order of their lines. */
  readonly settings: ReadonlyMap<string, readonly string[]>;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export function readUnit(text: string): ReadUnit {
  const settings = new Map<string, string[]>();
  let section = '';
  assert.ok(text.endsWith('\n'), 'a last line that is cut');
  for (const line of text.split(/[\n\r\0]/)) {
    if (line === '' || line.startsWith('#')) continue;
    const head = /^\[([A-Za-z]+)\]$/.exec(line);
    if (head !== null) {
      section = head[1] ?? '';
      continue;
    }
    // A dot of its own ends at what Unicode calls a line separator, which is a letter like others to systemd.
    const [, key = '', value = ''] = /^([A-Za-z]+)=(.*)$/s.exec(line) ?? [];
    assert.notEqual(key, '', `a line that is no setting: ${line}`);
    assert.ok(!value.endsWith('\\'), `a line that goes on: ${line}`);
    settings.set(`${section}.${key}`, [...(settings.get(`${section}.${key}`) ?? []), value]);
  }
  const commands = settings.get('Service.ExecStart') ?? [];
  assert.equal(commands.length, 1, 'one command');
  const assignments = (settings.get('Service.Environment') ?? []).flatMap(words).map(withoutSpecifiers);
  return {
    settings,
    command: words(commands.join()).map(withoutSpecifiers).map(withoutVariables),
    environment: Object.fromEntries(
      assignments.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]),
    ),
  };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', s: ' ', '\\': '\\', '"': '"', "'": "'" };

/** Split at white space outside quotes; a lone unquoted `;` would begin another command. */
function words(value: string): string[] {
  const found: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < value.length; at++) {
    const one = value[at] ?? '';
    if (one === '\\') {
      const next = value[(at += 1)] ?? '';
      if (next === 'u') {
        word = (word ?? '') + String.fromCharCode(Number.parseInt(value.slice(at + 1, at + 5), 16));
        at += 4;
        continue;
      }
      const meant = ESCAPES[next];
      assert.ok(meant !== undefined, `an escape that is none: \\${next}`);
      word = (word ?? '') + meant;
    } else if (quote !== '') {
      if (one === quote) quote = '';
      else word = (word ?? '') + one;
    } else if (one === '"' || one === "'") {
      quote = one;
      word ??= '';
    } else if (/[ \t]/.test(one)) {
      if (word !== undefined) found.push(word);
      word = undefined;
    } else {
      assert.ok(one !== ';' || word !== undefined || !/^;([ \t]|$)/.test(value.slice(at)), 'a second command');
      word = (word ?? '') + one;
    }
  }
  assert.equal(quote, '', 'a quote that is not closed');
  return word === undefined ? found : [...found, word];
}

function withoutSpecifiers(word: string): string {
  assert.ok(!/%/.test(word.replaceAll('%%', '')), `a specifier: ${word}`);
  return word.replaceAll('%%', '%');
}

function withoutVariables(word: string): string {
  assert.ok(!/\$/.test(word.replaceAll('$$', '')), `a variable: ${word}`);
  return word.replaceAll('$$', '$');
}
