import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { identityOf, parseUrl } from '../../providers/etcd/url.ts';
import { WeftError } from '../../src/core/errors.ts';

describe('the URL of a store in etcd', () => {
  it('names endpoints and a prefix, flannel\u2019s when it says none', () => {
    const { endpoints, prefix, tls, username } = parseUrl(
      'etcd://10.0.0.1:2379,etcd-2.example:4001,[fd00::1],10.0.0.1',
    );
    assert.deepEqual(endpoints, ['10.0.0.1:2379', 'etcd-2.example:4001', '[fd00::1]:2379']);
    assert.deepEqual([prefix, tls, username], ['/coreos.com/network', false, undefined]);
    assert.equal(parseUrl('etcd://h/').prefix, '/coreos.com/network');
    assert.equal(parseUrl('etcd://h//my//net/').prefix, '/my/net');
    assert.equal(parseUrl('etcd://h/my%20net').prefix, '/my net');
  });

  it('speaks TLS when it names a file for it, or says so', () => {
    assert.deepEqual(parseUrl('etcd://h?cafile=/ca').tls, true);
    assert.deepEqual(parseUrl('etcd://h?tls=true').caFile, undefined);
    const { tls, certFile, keyFile } = parseUrl('etcd://h/p?certfile=/c&keyfile=/k');
    assert.deepEqual([tls, certFile, keyFile], [true, '/c', '/k']);
  });

  it('is one identity by its prefix, whatever members are named and however it is written, and tells no secrets', () => {
    const written = [
      'etcd://b,a/net',
      'etcd://a:2379,b:2379//net/?username=u&passwordfile=/p',
      'etcd://A,B/net?tls=true',
      'etcd://127.0.0.1,c/net',
      'etcd://d?prefix=/net',
    ];
    assert.deepEqual([...new Set(written.map((url) => identityOf(parseUrl(url))))], ['etcd:/net']);
    const others = ['etcd://a/net2', 'etcd://a?prefix=net', 'etcd://a'].map((url) => identityOf(parseUrl(url)));
    assert.deepEqual(others, ['etcd:/net2', 'etcd:net', 'etcd:/coreos.com/network']);
  });

  it('repeats no password in a refusal, wherever it stands', () => {
    for (const url of [
      'etcd://u:SECRET@h',
      'etcd://u:SEC/RET@h',
      'etcd://h?username=u&pass=SECRET',
      'etcd://h?username=u&Password=SECRET',
      'etcd://h&password=SECRET',
      'etcd://h;password=SECRET',
      'etcd://h#SECRET',
      'etcd://h?cafile=/ca&x=1#SECRET',
      'etcd//h?password=SECRET',
    ])
      assert.throws(
        () => parseUrl(url),
        (error) => error instanceof WeftError && !/SEC|RET/.test(`${error.message} ${error.hint}`),
        url,
      );
    assert.throws(
      () => parseUrl('etcd://h?cafile=/ca&pass=SECRET'),
      /"etcd:\/\/h\?cafile=\/ca&pass=\.\.\.": unknown setting "pass"/,
    );
  });

  const REFUSED: Readonly<Record<string, RegExp>> = {
    'etcd:h': /not of the form etcd:\/\/HOST:PORT/,
    'dynamodb://h': /not of the form etcd:\/\/HOST:PORT/,
    'etcd://': /"" is no endpoint/,
    'etcd://h,': /"" is no endpoint/,
    'etcd://h:0': /"h:0" is no endpoint/,
    'etcd://h:65536': /"h:65536" is no endpoint/,
    'etcd://h:x': /"h:x" is no endpoint/,
    'etcd://http:2379:1': /is no endpoint/,
    'etcd://-h': /"-h" is no endpoint/,
    'etcd://fd00::1': /"fd00::1" is no endpoint/,
    'etcd://u:p@h': /^store "etcd:\/\/\.\.\.@h": a user name stands before the host/,
    'etcd://h/%zz': /the prefix has characters that no key has/,
    'etcd://h/a%00b': /the prefix has characters that no key has/,
    'etcd://h?cafiel=/ca': /unknown setting "cafiel"; did you mean "cafile"\?/,
    'etcd://h?x=1': /unknown setting "x"$/,
    'etcd://h?cafile=/a&cafile=/b': /"cafile" is given more than once/,
    'etcd://h?certfile=/c': /certfile and keyfile belong together/,
    'etcd://h?keyfile=/k': /certfile and keyfile belong together/,
    'etcd://h?tls=yes': /tls "yes": expected true or false/,
    'etcd://h?tls=false&cafile=/ca': /tls=false, and files for TLS are given/,
    'etcd://h?passwordfile=/p': /passwordfile is given, and no username/,
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
