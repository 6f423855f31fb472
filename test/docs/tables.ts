/** The tables that documents must hold, made from the code. */
import { readFileSync } from 'node:fs';
import { flagOf, OPTION_KEYS, optionOf, variableOf } from '../../src/options.ts';

export const readDocument = (name: string): string => readFileSync(name, 'utf8');

const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), `|${'---|'.repeat(head.length)}`, ...rows.map(row)].join('\n');

export function optionTable(): string {
  const rows = OPTION_KEYS.map((key) => {
    const { kind, fallback, help, uses, flannel, letter } = optionOf(key);
    const flag = flagOf(key);
    const value = kind.placeholder === undefined ? '' : ` ${kind.placeholder}`;
    return [
      `\`--${flag}${value}\`${letter === undefined ? '' : `, \`-${letter}\``}`,
      `\`${variableOf(flag)}\``,
      fallback === '' ? '' : `\`${fallback}\``,
      `${help}${flannel === true ? ' (as in flannel)' : ''}`,
      uses.join(', '),
    ];
  });
  return table(['option', 'variable', 'default', 'meaning', 'commands'], rows);
}

interface LintRule {
  readonly files: readonly string[];
  readonly rules: {
    readonly 'no-restricted-imports'?: readonly [
      string,
      { readonly patterns: readonly { readonly message: string }[] },
    ];
  };
}

/** One row for each folder with a rule about imports, in the words of its message. */
export function dependencyTable(): string {
  const text = readDocument('.oxlintrc.json').replaceAll(/^\s*\/\/.*$/gm, '');
  const { overrides } = JSON.parse(text) as { readonly overrides: readonly LintRule[] };
  const rows = overrides.flatMap(({ files, rules }) => {
    const message = rules['no-restricted-imports']?.[1].patterns.at(-1)?.message;
    if (message === undefined) return [];
    const what = /(?:may import|import) (.*?)\.?$/.exec(message)?.[1] ?? message;
    return [[files.map((glob) => `\`${glob.replace(/\/\*\*$/, '')}\``).join(', '), what]];
  });
  // Some folders need a second rule of the linter that says the same again.
  const once = rows.filter((one, index) => index === 0 || one[1] !== rows[index - 1]?.[1] || !one[0]?.endsWith('/*`'));
  return table(['folder', 'may import, besides itself'], once);
}
