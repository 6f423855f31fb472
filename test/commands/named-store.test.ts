import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseUrl } from '../../providers/etcd/url.ts';
import { isStoreNamed, namedStore } from '../../src/commands/named-store.ts';
import { readOptions, splitArguments } from '../../src/commands/read-arguments.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { Options } from '../../src/options.ts';

const options = (argv: readonly string[], environment: Readonly<Record<string, string>> = {}): Options =>
  readOptions('run', splitArguments(argv), environment);
const url = (...argv: readonly string[]): string => namedStore(options(argv)).url;

/** What the error says, hint included. */
function refusal(argv: readonly string[], environment: Readonly<Record<string, string>> = {}): string {
  try {
    namedStore(options(argv, environment));
  } catch (error) {
    assert.ok(error instanceof WeftError && error.code === 'BAD_OPTION');
    return `${error.message}\n${error.hint ?? ''}`;
  }
  assert.fail('it was taken');
}

describe("the store by flannel's etcd options", () => {
  it('is the local etcd when nothing is said, with either of its ports', () => {
    assert.equal(isStoreNamed(options([])), false);
    const { endpoints, prefix, tls } = parseUrl(url());
    assert.deepEqual(
      { endpoints, prefix, tls },
      { endpoints: ['127.0.0.1:4001', '127.0.0.1:2379'], prefix: '/coreos.com/network', tls: false },
    );
  });

  it('is the one of --store when that is given', () => {
    assert.deepEqual(namedStore(options(['--store=dynamodb://weft'])), { url: 'dynamodb://weft', password: undefined });
  });

  for (const [written, prefix] of [
    ['/a/b', '/a/b'],
    ['/a//b/', '/a/b'],
    ['a/b', 'a/b'],
    ['/', '/'],
    ['/with space/%2F?#&é', '/with space/%2F?#&é'],
  ] as const) {
    it(`has the prefix ${prefix} for -etcd-prefix=${written}, as path.Join makes it`, () => {
      assert.equal(parseUrl(url('-etcd-prefix', written)).prefix, prefix);
    });
  }

  it('has every endpoint, with TLS for https, by the CA alone too', () => {
    const files = ['-etcd-cafile=/ca&b', '-etcd-certfile=/c', '-etcd-keyfile=/k'];
    const { endpoints, tls, caFile, certFile, keyFile } = parseUrl(
      url('-etcd-endpoints=https://a:1,https://b:2/', ...files),
    );
    assert.deepEqual(
      { endpoints, tls, caFile, certFile, keyFile },
      { endpoints: ['a:1', 'b:2'], tls: true, caFile: '/ca&b', certFile: '/c', keyFile: '/k' },
    );
    assert.equal(parseUrl(url('-etcd-endpoints=https://a:1')).tls, true, 'the roots that Node knows');
    assert.equal(parseUrl(url('-etcd-endpoints=https://a:1', '-etcd-cafile=/ca')).caFile, '/ca');
    assert.equal(parseUrl(url('-etcd-endpoints=a:1', '-etcd-cafile=/ca')).tls, true, 'no scheme, but files');
    assert.equal(parseUrl(url('-etcd-endpoints=a:1')).tls, false);
    assert.deepEqual(parseUrl(url('-etcd-endpoints=HTTP://[::1]:2379, http://b:1')).endpoints, ['[::1]:2379', 'b:1']);
  });

  it('has the user in its URL, and the password beside it', () => {
    const named = namedStore(options(['-etcd-username=u&x'], { FLANNELD_ETCD_PASSWORD: 'open sesame' }));
    assert.equal(parseUrl(named.url).username, 'u&x');
    assert.doesNotMatch(named.url, /sesame/);
    assert.equal(named.password, 'open sesame');
  });

  it('is not named in halves', () => {
    const https = '-etcd-endpoints=https://a:1';
    assert.match(refusal([https, '-etcd-certfile=/c']), /^--etcd-certfile is given, and no --etcd-keyfile/);
    assert.match(refusal([https, '-etcd-keyfile=/c']), /^--etcd-keyfile is given, and no --etcd-certfile/);
    assert.match(refusal(['-etcd-password=hunter2']), /^--etcd-password is given, and no --etcd-username\n$/);
  });

  it('does not go in the clear where files for TLS are given', () => {
    for (const argv of [['-etcd-cafile=/ca'], ['-etcd-endpoints=http://a:1', '-etcd-certfile=/c', '-etcd-keyfile=/k']])
      assert.match(refusal(argv), /is given, and the endpoints are http, without TLS\nWrite them with https/);
  });

  for (const endpoints of [
    'http://a:1,https://b:2',
    'http://a:1,b:2',
    'http://a',
    'http://a:1/v2',
    'http://a:70000',
    'ftp://a:1',
    'unix:///run/etcd.sock',
    'http://a:1,',
    '',
  ]) {
    it(`does not take "${endpoints}"`, () => {
      assert.match(refusal([`-etcd-endpoints=${endpoints}`]), /^--etcd-endpoints ".*": expected URLs like http:\/\/10/);
    });
  }

  it('does not take a user and password in a URL, nor shows them', () => {
    for (const text of [
      'http://u:hunter2@a:1',
      'u:hunter2@a:1',
      'http://b:1,http://u:hun/ter2@a:1',
      'http://u:hunter2@b:1,http://a:x',
    ]) {
      const said = refusal([], { FLANNELD_ETCD_ENDPOINTS: text });
      assert.match(said, /^FLANNELD_ETCD_ENDPOINTS "(?:http:\/\/)?\.\.\.@.*": expected URLs .* without user, password/);
      assert.doesNotMatch(said, /hun/);
    }
    assert.doesNotMatch(refusal(['--store', '//u:hunter2@a:1']), /hunter2/);
    assert.doesNotMatch(refusal(['--store', '//a:1?password=hunter2#hunter2']), /hunter2/);
  });

  it('is said in one way: what is typed counts before variables, and among those --store', () => {
    const store = { FLANNELD_STORE: 'dynamodb://t' };
    const etcd = { FLANNELD_ETCD_ENDPOINTS: 'http://a:1', FLANNELD_ETCD_PASSWORD: 'p' };
    assert.match(
      refusal(['--store=dynamodb://t', '-etcd-prefix=/a']),
      /^--store and --etcd-prefix both say where the store is\nLeave one of them out/,
    );
    assert.equal(namedStore(options(['-etcd-endpoints=http://b:1'], store)).url, 'etcd://b:1/coreos.com/network');
    assert.equal(namedStore(options(['--store=dynamodb://u'], etcd)).url, 'dynamodb://u');
    assert.equal(namedStore(options([], { ...store, ...etcd })).url, 'dynamodb://t');
    assert.equal(
      namedStore(options(['-etcd-prefix=/b'], { FLANNELD_ETCD_ENDPOINTS: 'http://a:1' })).url,
      'etcd://a:1/b',
    );
    assert.equal(namedStore(options(['--store=dynamodb://u', '-etcd-cafile='])).url, 'dynamodb://u', 'empty is absent');
  });
});
