import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lint } from './oxlint.ts';

/** The rules that a small file breaks, and whether the run failed. */
function broken(text: string, others: Readonly<Record<string, string>> = {}): readonly string[] {
  const run = lint({ 'src/agent/sample.ts': text, ...others }, '--type-aware');
  assert.equal(run.exitCode === 0, run.findings.length === 0, 'findings, and only findings, fail the run');
  return [...new Set(run.findings.map(({ rule }) => rule))].toSorted();
}

test('a promise that nobody waits for is an error', () => {
  assert.deepEqual(broken('export function f(p: Promise<void>): void {\n  p;\n}\n'), [
    'eslint(no-unused-expressions)',
    'typescript(no-floating-promises)',
  ]);
});

test('tests of node:test need no await', () => {
  assert.deepEqual(broken(`import { test } from 'node:test';\n\ntest('a sentence', async () => {});\n`), []);
});

test('a switch that forgets a member of its union is an error', () => {
  const text = `export function f(kind: 'a' | 'b'): number {\n  switch (kind) {\n    case 'a':\n      return 1;\n  }\n  return 2;\n}\n`;
  assert.deepEqual(broken(text), ['typescript(switch-exhaustiveness-check)']);
});

test('a file of 301 lines is an error and one of 300 is not', () => {
  const lines = (count: number): string =>
    Array.from({ length: count }, (_, i) => `export const n${i} = ${i};\n`).join('');
  assert.deepEqual(broken(lines(300)), []);
  assert.deepEqual(broken(lines(301)), ['eslint(max-lines)']);
});

test('any, a non-null assertion, a default export and a loose comparison are errors', () => {
  const text = `export default function f(a: any, b?: string): boolean {\n  return a == b!;\n}\n`;
  assert.deepEqual(broken(text), [
    'eslint(eqeqeq)',
    'import(no-default-export)',
    'typescript(no-explicit-any)',
    'typescript(no-non-null-assertion)',
  ]);
});

test('two files that import each other are an error', () => {
  const other = `import { a } from './sample.ts';\n\nexport const b = (): number => a();\n`;
  const text = `import { b } from './other.ts';\n\nexport const a = (): number => b();\n`;
  assert.deepEqual(broken(text, { 'src/agent/other.ts': other }), ['import(no-cycle)']);
});
