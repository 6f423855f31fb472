import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CommandName } from '../../src/commands/command-name.ts';
import { readOptions, splitArguments } from '../../src/commands/read-arguments.ts';
import type { Options } from '../../src/options.ts';

function options(
  argv: readonly string[],
  environment: Record<string, string> = {},
  command: CommandName = 'run',
): Options {
  return readOptions(command, splitArguments(argv), environment);
}

/** What the error says, with its code and hint. */
function refusal(work: () => unknown): { code: unknown; message: string; hint: unknown } {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error && 'hint' in error);
    return { code: error.code, message: error.message, hint: error.hint };
  }
  assert.fail('it was accepted');
}

describe('flags', () => {
  for (const argv of [
    ['--subnet-file=/x/y.env'],
    ['--subnet-file', '/x/y.env'],
    ['-subnet-file=/x/y.env'],
    ['-subnet-file', '/x/y.env'],
  ]) {
    it(`takes a value as in ${argv.join(' ')}`, () => {
      assert.equal(options(argv).subnetFile, '/x/y.env');
    });
  }

  it('takes a value that begins with a dash or holds an equals sign', () => {
    assert.deepEqual(options(['--iface-regex', '-x', '--iface-regex=a=b']).ifaceRegex, ['-x', 'a=b']);
  });

  it('counts the last of several, and all of a repeatable one in order', () => {
    const read = options(['-iface=eth1', '--node-id', 'a', '--iface', '192.0.2.1', '--node-id=b']);
    assert.deepEqual([read.iface, read.nodeId], [['eth1', '192.0.2.1'], 'b']);
  });

  for (const [written, value] of [
    ['--allow-renumber', true],
    ['-allow-renumber', true],
    ['--allow-renumber=true', true],
    ['-allow-renumber=1', true],
    ['--allow-renumber=T', true],
    ['-allow-renumber=false', false],
    ['--allow-renumber=0', false],
    ['-allow-renumber=F', false],
  ] as const) {
    it(`reads ${written} as ${value}, as Go does`, () => {
      assert.equal(options([written]).allowRenumber, value);
    });
  }

  it('leaves the word behind a switch alone', () => {
    const { words, flags } = splitArguments(['explain', '--json', 'host-b']);
    assert.deepEqual([words, [...flags.keys()]], [['explain', 'host-b'], ['json']]);
  });

  it('takes what stands behind -- as words, and a lone dash as a value', () => {
    assert.deepEqual(splitArguments(['explain', '--', '-odd']).words, ['explain', '-odd']);
    assert.equal(options(['config', 'set', '-f', '-'], {}, 'config set').file, '-');
  });

  it('has defaults', () => {
    const { stateDir, subnetFile, healthListen, logLevel, resync, iface, store, publicIp } = options([]);
    assert.deepEqual(
      { stateDir, subnetFile, healthListen, logLevel, resync, iface, store, publicIp },
      {
        stateDir: '/var/lib/weft',
        subnetFile: '/run/flannel/subnet.env',
        healthListen: { host: '127.0.0.1', port: 8287 },
        logLevel: undefined,
        resync: 60_000,
        iface: [],
        store: undefined,
        publicIp: undefined,
      },
    );
  });

  it('reads endpoints of both families, and off', () => {
    assert.deepEqual(options(['--health-listen=[::1]:80']).healthListen, { host: '::1', port: 80 });
    assert.equal(options(['--health-listen', 'off']).healthListen, 'off');
  });
});

describe('variables', () => {
  it('count where the command line says nothing', () => {
    const environment = { FLANNELD_IFACE: 'eth7', FLANNELD_PUBLIC_IP: '192.0.2.9', FLANNELD_ALLOW_RENUMBER: 'true' };
    const read = options(['--iface', 'eth1'], environment);
    assert.deepEqual([read.iface, read.publicIp, read.allowRenumber], [['eth1'], '192.0.2.9', true]);
  });

  it('do not count when empty', () => {
    assert.equal(options([], { FLANNELD_SUBNET_FILE: '' }).subnetFile, '/run/flannel/subnet.env');
  });

  it('give a repeatable option one value', () => {
    assert.deepEqual(options([], { FLANNELD_IFACE: 'eth0,eth1' }).iface, ['eth0,eth1']);
  });

  it('name the store as WEFT_STORE too, after FLANNELD_STORE', () => {
    assert.equal(options([], { WEFT_STORE: 'dynamodb://a' }).store, 'dynamodb://a');
    assert.equal(options([], { WEFT_STORE: 'dynamodb://a', FLANNELD_STORE: 'dynamodb://b' }).store, 'dynamodb://b');
  });

  it('of options that a command does not take are passed over', () => {
    assert.equal(options([], { FLANNELD_LOG_LEVEL: 'nonsense' }, 'status').logLevel, undefined);
  });
});

describe('mistakes', () => {
  it('names flag, value and expectation', () => {
    assert.equal(
      refusal(() => options(['-public-ip=10.0.0'])).message,
      '--public-ip "10.0.0": expected an IPv4 address like 192.0.2.7',
    );
    assert.equal(
      refusal(() => options(['--resync', '10'])).message,
      '--resync "10": expected a duration of at least 1s, like 90s, 5m or 1h30m',
    );
    assert.equal(
      refusal(() => options(['--iface-regex=('])).message,
      '--iface-regex "(": expected a regular expression like ^eth[0-9]+$; Invalid regular expression: /(/: Unterminated group',
    );
    assert.equal(
      refusal(() => options(['--allow-renumber=maybe'])).message,
      '--allow-renumber "maybe": expected true or false',
    );
    assert.equal(
      refusal(() => options(['--store=weft'])).message,
      '--store "weft": expected a store like dynamodb://TABLE or etcd://HOST:PORT/PREFIX',
    );
  });

  it('names the variable when the value came from there', () => {
    const { code, message } = refusal(() => options([], { FLANNELD_PUBLIC_IP: 'garbage' }));
    assert.deepEqual(
      [code, message],
      ['BAD_OPTION', 'FLANNELD_PUBLIC_IP "garbage": expected an IPv4 address like 192.0.2.7'],
    );
  });

  it('suggests the nearest flag for an unknown one', () => {
    const { code, message, hint } = refusal(() => options(['--ifaec=eth0']));
    assert.deepEqual([code, message, hint], ['BAD_OPTION', 'unknown option --ifaec', 'Did you mean --iface?']);
  });

  it('says where to look when nothing is near', () => {
    assert.equal(refusal(() => options(['--frobnicate'])).hint, 'weftd --help lists them all.');
  });

  it('tells that a command does not take an option', () => {
    assert.equal(refusal(() => options(['--iface=eth0'], {}, 'status')).message, 'weftd status takes no --iface');
  });

  it('tells that a value is missing', () => {
    assert.equal(
      refusal(() => options(['--public-ip'])).message,
      '--public-ip needs a value: expected an IPv4 address like 192.0.2.7',
    );
  });
});
