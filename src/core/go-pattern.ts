/** Patterns in the syntax that flannel's flags take (golang.org/s/re2syntax), as JavaScript's: what both read alike, what can be said in other words, and no else. */

export type GoPattern = { readonly expression: RegExp } | { readonly why: string };

const CLASSES: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** What JavaScript reads as something else, or not at all; anywhere, outside of classes, in classes. */
const ESCAPE = /^\\(?:[AzQECpPa]|x\{)/;
const GROUP = /^\(\?(?:P[<=>]|[A-Za-z]*-?[A-Za-z]*[):])/;
const POSIX_CLASS = /^\[:(\^?[A-Za-z]*):\]/;

export function goPattern(text: string): GoPattern {
  if (text === '') return { why: 'it is empty' };
  const [lead = '', flags = ''] = /^\(\?([ism]+)\)/.exec(text) ?? [];
  const translated = translate(text.slice(lead.length));
  if (translated.unknown !== undefined) return { why: `${translated.unknown} is not understood here` };
  try {
    return { expression: new RegExp(translated.source, [...new Set(flags)].join('')) };
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  }
}

function translate(text: string): { readonly source: string; readonly unknown?: string } {
  let source = '';
  let isInClass = false;
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    const [unknown] = ESCAPE.exec(rest) ?? (isInClass ? null : GROUP.exec(rest)) ?? [];
    // (?: ...) is alike in both.
    if (unknown !== undefined && unknown !== '(?:') return { source, unknown };
    const [posix = '', name = ''] = (isInClass ? POSIX_CLASS.exec(rest) : null) ?? [];
    if (posix !== '') {
      const members = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
      if (members === undefined) return { source, unknown: posix };
      source += members;
      at += posix.length;
      continue;
    }
    // A bracket that comes first is a member of the class; JavaScript would end it there.
    const [opening] = (isInClass ? null : /^\[\^?\]?/.exec(rest)) ?? [/^\\[^]|^[^]/.exec(rest)?.[0] ?? ''];
    if (!isInClass && rest.startsWith('[')) isInClass = true;
    else if (isInClass && opening === ']') isInClass = false;
    source += isInClass && opening.length > 1 && opening.startsWith('[') ? opening.replace(']', '\\]') : opening;
    at += opening.length;
  }
  return { source };
}
