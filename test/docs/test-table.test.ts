/** The tables of test/README.md are true: the tests that they name are there, and every case of flannel's is told of, once. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

const page = readFileSync('test/README.md', 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| '));

/** How many cases flannel has of each family. */
const FAMILIES: Readonly<Record<string, number>> = {
  IP: 22,
  SN: 9,
  ET: 16,
  RM: 5,
  KU: 3,
  RT: 3,
  FW: 7,
  MA: 4,
  IM: 7,
  MC: 1,
  VX: 1,
  DK: 5,
  CH: 10,
  FU: 11,
  E2: 6,
};

/** `folder/file "one", "another"`: what is named, with the beginnings of its tests' names. */
function named(row: string): { file: string; beginnings: string[] }[] {
  return [...row.matchAll(/`([a-z0-9]+(?:\/[a-z0-9-]+)+)`((?:,? "[^"]+")*)/g)].map(([, file = '', quoted = '']) => ({
    file,
    beginnings: [...quoted.matchAll(/"([^"]+)"/g)].map(([, text = '']) => text),
  }));
}

/** A test file, a suite that several share, or a folder of them. */
function textOf(name: string): string | undefined {
  const file = [`test/${name}.test.ts`, `test/${name}.ts`].find((one) => existsSync(one));
  if (file !== undefined) return readFileSync(file, 'utf8');
  return undefined;
}

/** "ET-1, ET-2" and "RM-1 … RM-5", each by itself. */
function cases(cell: string): string[] {
  return cell.split(', ').flatMap((part) => {
    const [, family = '', first, last] = /^([A-Z][A-Z0-9])-(\d+)(?: … \1-(\d+))?$/.exec(part.trim()) ?? [];
    if (first === undefined) return [];
    const numbers = Array.from({ length: Number(last ?? first) - Number(first) + 1 }, (_, at) => Number(first) + at);
    return numbers.map((number) => `${family}-${number}`);
  });
}

describe('the tables of tests', () => {
  it('name files that are there, with tests that begin so', () => {
    const all = rows.flatMap(named);
    assert.ok(all.length > 80, `only ${all.length} found`);
    const wrong = all.flatMap(({ file, beginnings }) => {
      const text = textOf(file);
      if (text === undefined) return [`no ${file}`];
      return beginnings
        .filter((beginning) => !["'", '`', '"'].some((quote) => text.includes(`${quote}${beginning}`)))
        .map((beginning) => `no "${beginning}" in ${file}`);
    });
    assert.deepEqual(wrong, []);
  });

  it('tell of each case of flannel’s once', () => {
    const told = rows.flatMap((row) => cases(row.split(' | ')[0]?.slice(2) ?? ''));
    const wanted = Object.entries(FAMILIES).flatMap(([family, count]) =>
      Array.from({ length: count }, (_, at) => `${family}-${at + 1}`),
    );
    assert.deepEqual(told.toSorted(), wanted.toSorted());
  });

  it('say of each case what holds it, or why nothing does', () => {
    const table = rows.slice(rows.findIndex((row) => row.startsWith('| case | our test |')) + 1);
    const empty = table
      .filter((row) => cases(row.split(' | ')[0]?.slice(2) ?? '').length > 0)
      .filter((row) => {
        const [, , test = '', why = ''] = row.split('|').map((cell) => cell.trim());
        return test === '' && why === '';
      });
    assert.deepEqual(empty, []);
  });
});
