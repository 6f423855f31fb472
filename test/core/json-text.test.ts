import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseJsonText, type JsonNode } from '../../src/core/json-text.ts';
import { WeftError } from '../../src/core/errors.ts';

/** What the lossless tree says, by the rules of JSON.parse. */
function valueOf(node: JsonNode): unknown {
  switch (node.kind) {
    case 'null':
      return null;
    case 'boolean':
    case 'string':
      return node.value;
    case 'number':
      return Number(node.raw);
    case 'array':
      return node.items.map(valueOf);
    case 'object': {
      const object: Record<string, unknown> = {};
      for (const { name, node: member } of node.members) {
        Object.defineProperty(object, name, {
          value: valueOf(member),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
      return object;
    }
  }
}

describe('lossless JSON', () => {
  it('says what JSON.parse says', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        assert.deepEqual(JSON.stringify(valueOf(parseJsonText(text))), JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it('accepts and refuses exactly what JSON.parse does', () => {
    const nearly = fc.array(
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"a"',
        '1',
        '-',
        '0',
        '.5',
        'e1',
        'true',
        'null',
        ' ',
        '\n',
        '"',
        '\\u0041',
        '\\',
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          nearly.map((parts) => parts.join('')),
        ),
        (text) => {
          let ours = true;
          let theirs = true;
          try {
            parseJsonText(text);
          } catch (error) {
            assert.ok(error instanceof WeftError && error.code === 'CONFIG_NOT_JSON');
            ours = false;
          }
          try {
            JSON.parse(text);
          } catch {
            theirs = false;
          }
          assert.equal(ours, theirs, text);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('keeps how numbers are written, and members that come twice', () => {
    const node = parseJsonText('{"a": 24.0, "A": 1e3, "a": 1}');
    assert.ok(node.kind === 'object');
    assert.deepEqual(
      node.members.map(({ name, node: { raw } }) => [name, raw]),
      [
        ['a', '24.0'],
        ['A', '1e3'],
        ['a', '1'],
      ],
    );
  });

  it('says where it stopped and what to do', () => {
    const cases: [string, string, RegExp | undefined][] = [
      [
        '{"Network": "10.0.0.0/16",}',
        'line 1, column 27: expected a member\'s name in double quotes, found "}"',
        /comma/,
      ],
      [
        "{\n  'Network': 1}",
        'line 2, column 3: expected a member\'s name in double quotes, found "\'"',
        /double quotes/,
      ],
      ['{"a":1} x', 'line 1, column 9: expected the end of the text, found "x"', /follows/],
      ['{"a":1', 'line 1, column 7: expected "," or "}", found the end of the text', undefined],
      ['// no', 'line 1, column 1: expected a value, found "/"', /comments/],
      ['', 'line 1, column 1: expected a value, found the end of the text', undefined],
      ['{"a":"b\n"}', 'line 1, column 6: this string holds a raw control character or an unknown escape', /\\n/],
      ['["', 'line 1, column 2: this string has no closing quote', undefined],
      ['\uFEFF{}', 'line 1, column 1: expected a value, found "\uFEFF"', /byte order mark/],
    ];
    for (const [text, message, hint] of cases) {
      assert.throws(
        () => parseJsonText(text),
        (error) => {
          assert.ok(error instanceof WeftError);
          assert.equal(error.message, message);
          if (hint === undefined) assert.equal(error.hint, undefined);
          else assert.match(error.hint ?? '', hint);
          return true;
        },
      );
    }
  });

  it('does not run out of stack on a text of brackets', () => {
    assert.throws(() => parseJsonText('['.repeat(100_000)), { code: 'CONFIG_NOT_JSON', message: /deeper than 64/ });
  });
});
