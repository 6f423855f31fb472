/** A network config's findings for people, and a config laid out so that two can be compared line by line. */
import type { ConfigFinding } from '../core/config-check.ts';

export function findingsText(findings: readonly ConfigFinding[]): string {
  return findings.map(findingText).join('');
}

function findingText({ level, code, key, message, fix }: ConfigFinding): string {
  const margin = ' '.repeat('warning  '.length);
  // flannel's own messages do not always name the key.
  const place = level === 'note' || key === '' || message.includes(key.split('.').at(-1) ?? '') ? '' : `${key}: `;
  const lines = [`${level.padEnd(margin.length)}${place}${message}${code === undefined ? '' : ` (${code})`}`];
  if (fix !== undefined) lines.push(`${margin}-> ${fix}`);
  return `${lines.join('\n')}\n`;
}

/** One member a line. A text that is not JSON stays as it is. */
export function laidOut(text: string): string {
  try {
    return `${JSON.stringify(JSON.parse(text), undefined, 2)}\n`;
  } catch {
    return text.endsWith('\n') || text === '' ? text : `${text}\n`;
  }
}
