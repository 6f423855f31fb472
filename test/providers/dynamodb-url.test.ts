import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseUrl } from '../../providers/dynamodb/url.ts';
import { WeftError } from '../../src/core/errors.ts';

describe('the URL of a store in DynamoDB', () => {
  it('names a table, and what else it says', () => {
    const pace = { fastMs: 1000, slowMs: 10_000 };
    assert.deepEqual(parseUrl('dynamodb://weft'), { table: 'weft', network: 'default', region: undefined, pace });
    assert.deepEqual(parseUrl('dynamodb://weft/'), { table: 'weft', network: 'default', region: undefined, pace });
    assert.deepEqual(parseUrl('dynamodb://prod.weft_1?network=blue&region=eu-central-1'), {
      table: 'prod.weft_1',
      network: 'blue',
      region: 'eu-central-1',
      pace,
    });
  });

  it('takes the longest that a change may stay unseen', () => {
    assert.deepEqual(parseUrl('dynamodb://weft?poll=200ms').pace, { fastMs: 200, slowMs: 200 });
    assert.deepEqual(parseUrl('dynamodb://weft?poll=1m').pace, { fastMs: 1000, slowMs: 60_000 });
  });

  it('repeats nothing that may be a secret in a refusal', () => {
    for (const url of ['dynamodb://weft?secret=SECRET', 'dynamodb://weft#SECRET', 'dynamodb://u:SECRET@weft'])
      assert.throws(
        () => parseUrl(url),
        (error) => error instanceof WeftError && !error.message.includes('SECRET'),
        url,
      );
  });

  const REFUSED: Readonly<Record<string, RegExp>> = {
    'dynamodb:weft': /not of the form dynamodb:\/\/TABLE/,
    'etcd://weft': /not of the form dynamodb:\/\/TABLE/,
    'dynamodb://': /"" is no table name: 3 to 255/,
    'dynamodb://we': /"we" is no table name/,
    'dynamodb://we ft': /"we ft" is no table name/,
    'dynamodb://%zz': /"%zz" is no table name/,
    'dynamodb://weft/subnets': /not of the form/,
    'dynamodb://weft?netwrok=blue': /unknown setting "netwrok"; did you mean "network"\?/,
    'dynamodb://weft?x=1': /unknown setting "x"$/,
    'dynamodb://weft?network=': /network "": expected/,
    'dynamodb://weft?network=a%23b': /network "a#b": expected/,
    'dynamodb://weft?network=a&network=b': /"network" is given more than once/,
    'dynamodb://weft?region=Frankfurt': /region "Frankfurt" is none: expected one like eu-central-1/,
    'dynamodb://weft?poll=soon': /poll "soon" is no duration/,
    'dynamodb://weft?poll=1ms': /poll "1ms": expected 50ms to 10m/,
    'dynamodb://weft?poll=-5s': /poll "-5s": expected 50ms to 10m/,
  };
  for (const [url, why] of Object.entries(REFUSED)) {
    it(`is refused as ${url}`, () => {
      assert.throws(
        () => parseUrl(url),
        (error) => error instanceof WeftError && error.code === 'BAD_OPTION' && why.test(error.message),
      );
    });
  }
});
