/** FLANNEL.md 1.1 to 1.3 and pkg/subnet's own cases, through the whole parser. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { WeftError } from '../../src/core/errors.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';

function outcome(text: string): string {
  try {
    const { v4, backendType } = parseNetworkConfig(text);
    return `${v4.network} ${v4.subnetLength} ${v4.min} ${v4.max} ${backendType}`;
  } catch (error) {
    assert.ok(error instanceof WeftError, String(error));
    assert.ok(error.hint, 'every error says what to do');
    return `${error.code}: ${error.message}`;
  }
}

const invalid = (message: string): string => `CONFIG_INVALID: ${message}`;
const rangeError = (text: string): string => invalid(`invalid CIDR address: ${text}`);

describe('the network config', () => {
  const golden: [string, string][] = [
    ['{"Network":"10.0.0.0/22"}', '10.0.0.0/22 24 10.0.1.0 10.0.3.0 udp'],
    ['{"Network":"10.0.0.0/23"}', '10.0.0.0/23 25 10.0.0.128 10.0.1.128 udp'],
    ['{"Network":"10.0.0.0/24"}', '10.0.0.0/24 26 10.0.0.64 10.0.0.192 udp'],
    ['{"Network":"10.0.0.0/28"}', '10.0.0.0/28 30 10.0.0.4 10.0.0.12 udp'],
    ['{"Network":"10.0.0.0/29"}', invalid('network is too small. Minimum useful network prefix is /28')],
    ['{"Network":"10.0.0.0/16","SubnetLen":17}', invalid('network must be able to accommodate at least four subnets')],
    ['{"Network":"10.0.0.0/16","SubnetLen":18}', '10.0.0.0/16 18 10.0.64.0 10.0.192.0 udp'],
    ['{"Network":"10.0.0.0/16","SubnetLen":30}', '10.0.0.0/16 30 10.0.0.4 10.0.255.252 udp'],
    ['{"Network":"10.0.0.0/16","SubnetLen":31}', invalid('SubnetLen must be less than /31')],
    ['{"Network":"10.0.0.0/16","SubnetLen":0}', '10.0.0.0/16 24 10.0.1.0 10.0.255.0 udp'],
    ['{"Network":"10.0.0.0/16","SubnetLen":null}', '10.0.0.0/16 24 10.0.1.0 10.0.255.0 udp'],
    ...['-1', '"24"', '24.0', '2.4e1', '-0', 'true', '[]', '{}', '1e400', '99999999999999999999'].map(
      (raw): [string, string] => [
        `{"Network":"10.0.0.0/16","SubnetLen":${raw}}`,
        `CONFIG_INVALID: SubnetLen: expected a whole number without quotes, sign or point, found ${describeRaw(raw)}`,
      ],
    ),
    ['{"Network":"10.0.0.0/16","SubnetMin":"10.0.5.1"}', invalid('SubnetMin is not on a SubnetLen boundary: 10.0.5.1')],
    ['{"Network":"10.0.0.0/16","SubnetMin":"10.1.0.0"}', invalid('SubnetMin is not in the range of the Network')],
    ['{"Network":"10.0.0.0/16","SubnetMax":"11.0.0.0"}', invalid('SubnetMax is not in the range of the Network')],
    ['{"Network":"10.0.0.0/16","SubnetMin":"10.0.9.0","SubnetMax":"10.0.5.0"}', '10.0.0.0/16 24 10.0.9.0 10.0.5.0 udp'],
    ['{"Network":"10.0.0.0/16","SubnetMin":"10.0.0.0"}', '10.0.0.0/16 24 10.0.0.0 10.0.255.0 udp'],
    ['{"Network":"10.0.0.0/16","SubnetMin":"0.0.0.0"}', '10.0.0.0/16 24 10.0.1.0 10.0.255.0 udp'],
    ...['""', 'null', '5', '"2001:db8::1"', '"010.0.5.0"', '{}'].map((raw): [string, string] => [
      `{"Network":"10.0.0.0/16","SubnetMin":${raw}}`,
      invalid('invalid IP address format'),
    ]),
    ['{"Network":""}', rangeError('')],
    ['{"Network":"10.0.0.0"}', rangeError('10.0.0.0')],
    ['{"Network":null}', rangeError('null')],
    ['{"Network":"10.0.0.0/33"}', rangeError('10.0.0.0/33')],
    ['{"Network":["10.0.0.0/16"]}', rangeError('["10.0.0.0/16"]')],
    ['{"Network":"fc00::/48"}', invalid('invalid IPv4 CIDR format')],
    ['{"Network":"255.255.0.0/16"}', '255.255.0.0/16 24 255.255.1.0 255.255.255.0 udp'],
    ['{"Network":"10.5.1.7/16"}', '10.5.0.0/16 24 10.5.1.0 10.5.255.0 udp'],
    ['{}', invalid('please define a correct Network parameter in the flannel config')],
    ['null', invalid('please define a correct Network parameter in the flannel config')],
    ['{"Network":"0.0.0.0/0"}', invalid('please define a correct Network parameter in the flannel config')],
    ['{"Network":"10.0.0.0/16","Backend":null}', invalid('unknown backend type: ')],
    ['{"Network":"10.0.0.0/16","Backend":{}}', invalid('unknown backend type: ')],
    ['{"Network":"10.0.0.0/16","Backend":{"Type":"X"}}', invalid('unknown backend type: x')],
    ['{"Network":"10.0.0.0/16","Backend":{"type":"VXLAN"}}', '10.0.0.0/16 24 10.0.1.0 10.0.255.0 vxlan'],
    [
      '{"Network":"10.0.0.0/16","Backend":"x"}',
      invalid('error decoding Backend property of config: expected an object, found the string "x"'),
    ],
    [
      '{"Network":"10.0.0.0/16","Backend":{"Type":5}}',
      invalid('error decoding Backend property of config: Type: expected a string, found the number 5'),
    ],
    ['[]', invalid('the network config is a list: expected an object')],
    ['{"Network":"10.0.0.0/16","EnableIPv4":false}', invalid('none defined stack')],
    [
      '{"Network":"10.0.0.0/16","EnableIPv4":"yes"}',
      invalid('EnableIPv4: expected true or false, found the string "yes"'),
    ],
    [
      '{"EnableIPv4":false,"EnableIPv6":true,"IPv6Network":"fc00::/48"}',
      invalid('EnableIPv6 is true: IPv6 is not carried by Weft yet'),
    ],
    [
      '{"Network":"10.0.0.0/16","EnableIPv6":true,"IPv6Network":"fc00::/48"}',
      invalid('EnableIPv6 is true: IPv6 is not carried by Weft yet'),
    ],
    ['{"Network":"10.0.0.0/16","IPv6Network":"10.0.0.0/8"}', invalid('invalid IPv6 CIDR format')],
    [
      '{"Network":"10.0.0.0/16","IPv6Network":"fc00::/48","IPv6SubnetMin":null}',
      '10.0.0.0/16 24 10.0.1.0 10.0.255.0 udp',
    ],
    [
      '{"Network":"10.0.0.0/16"} trailing',
      'CONFIG_NOT_JSON: the network config is not JSON: line 1, column 27: expected the end of the text, found "t"',
    ],
    [
      '',
      'CONFIG_NOT_JSON: the network config is not JSON: line 1, column 1: expected a value, found the end of the text',
    ],
  ];
  for (const [text, expected] of golden)
    it(`${text || '(empty)'}: ${expected}`, () => assert.equal(outcome(text), expected));

  it('SN-1: takes names in any case', () => {
    assert.equal(outcome('{ "network": "10.3.0.0/16" }'), '10.3.0.0/16 24 10.3.1.0 10.3.255.0 udp');
  });

  it('SN-3: keeps what is given', () => {
    const text = '{"Network":"10.3.0.0/16","SubnetMin":"10.3.5.0","SubnetMax":"10.3.8.0","SubnetLen":28}';
    assert.equal(outcome(text), '10.3.0.0/16 28 10.3.5.0 10.3.8.0 udp');
  });

  it('SN-8: no text makes the parser fail in another way than by its codes', () => {
    const seeds = [
      '{"Network":"10.0.0.0/8"}',
      '{"Network":"10.0.0.0/8","SubnetLen":24,"Backend":{"Type":"vxlan"}}',
      '{"EnableIPv6":true,"IPv6Network":"fc00::/48","Backend":{"Type":"host-gw"}}',
      '{"Network":"10.0.0.0/8","SubnetMin":"10.10.0.0","SubnetMax":"10.99.0.0"}',
      '{"Network":"10.0.0.0/8","Weft":{"Paths":["vxlan"],"Probe":{"Hold":"8s"}}}',
    ];
    const name = fc.constantFrom(
      'Network',
      'SubnetLen',
      'SubnetMin',
      'SubnetMax',
      'Backend',
      'Weft',
      'Type',
      'Paths',
      'Pools',
      'Probe',
      'Range',
      '__proto__',
      'constructor',
    );
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        fc.constantFrom('10.0.0.0/16', '10.0.0.0', 'vxlan', '30s', 24, 8472, null, true),
        fc.jsonValue({ maxDepth: 1 }),
        fc.dictionary(name, tie('value'), { maxKeys: 5 }),
        fc.array(tie('value'), { maxLength: 2 }),
      ),
    })).value;
    for (const seed of seeds) outcome(seed);
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 8 }), (config) => void outcome(JSON.stringify(config))),
      { numRuns: 500 },
    );
    const cut = fc.tuple(fc.constantFrom(...seeds), fc.nat(80), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(cut, ([seed, at, junk]) => void outcome(seed.slice(0, at) + junk + seed.slice(at + junk.length))),
      { numRuns: 500 },
    );
  });

  it('VX-1: no options of vxlan make the parser fail in another way than by its codes', () => {
    const outcomeOf = (options: string): string =>
      outcome(`{"Network":"10.3.0.0/16","Backend":{"Type":"vxlan"${options}}}`);
    for (const options of [
      ',"VNI":1,"Port":8472',
      ',"MTU":1400,"GBP":true,"DirectRouting":true',
      ',"Mac":"ae:f2:1a:4a:99:66"',
      '',
    ])
      assert.equal(outcomeOf(options), '10.3.0.0/16 24 10.3.1.0 10.3.255.0 vxlan', options);
    const name = fc.constantFrom('VNI', 'Port', 'MTU', 'GBP', 'Learning', 'DirectRouting', 'Name', 'MacPrefix', 'vni');
    fc.assert(
      fc.property(
        fc.dictionary(name, fc.jsonValue({ maxDepth: 1 })),
        (options) =>
          void outcomeOf(
            Object.entries(options)
              .map(([key, value]) => `,"${key}":${JSON.stringify(value)}`)
              .join(''),
          ),
      ),
    );
  });

  it('lets the last of two members of one name win, in whatever case they are written', () => {
    const text =
      '{"Network":"10.1.0.0/16","network":"10.2.0.0/16","NETWORK":"10.3.0.0/16","subnetlen":25,"SubnetLen":26}';
    assert.equal(outcome(text), '10.3.0.0/16 26 10.3.0.64 10.3.255.192 udp');
    assert.equal(
      outcome('{"network":"10.2.0.0/16","Network":"10.1.0.0/16","network":"10.9.0.0/16"}').split(' ')[0],
      '10.9.0.0/16',
    );
  });

  it('folds the two letters outside ASCII that Go folds', () => {
    assert.equal(
      outcome('{"Networ\u212A":"10.3.0.0/16","\u017FubnetLen":26}').split(' ').slice(0, 2).join(' '),
      '10.3.0.0/16 26',
    );
  });

  it("ignores members that flannel does not know, and flannel's own Networks of the past", () => {
    const text = '{"Network":"10.3.0.0/16","Networks":[1],"IPv6Networks":[],"Comment":"x","BackendType":"nonsense"}';
    assert.equal(outcome(text), '10.3.0.0/16 24 10.3.1.0 10.3.255.0 udp');
  });

  it('refuses backends that it does not carry, and says what to use', () => {
    for (const type of ['ipip', 'ipsec', 'wireguard', 'tencent-vpc', 'ali-vpc', 'WireGuard']) {
      assert.throws(
        () => parseNetworkConfig(`{"Network":"10.3.0.0/16","Backend":{"Type":"${type}"}}`),
        (error) =>
          error instanceof WeftError &&
          error.code === 'UNSUPPORTED' &&
          error.message.includes(type.toLowerCase()) &&
          /vxlan|flanneld/.test(error.hint ?? ''),
      );
    }
  });

  it('suggests the backend type that was probably meant', () => {
    assert.throws(() => parseNetworkConfig('{"Network":"10.3.0.0/16","Backend":{"Type":"vlxan"}}'), {
      hint: 'Did you mean "vxlan"?',
    });
  });

  it('has defaults for all that is not written', () => {
    const { v4: _, ...rest } = parseNetworkConfig('{"Network":"10.3.0.0/16"}');
    assert.deepEqual(rest, {
      enableNFTables: false,
      backendType: 'udp',
      backendGiven: false,
      backend: {},
      mtuBytes: undefined,
      paths: ['direct', 'fabric', 'vxlan', 'udp'],
      vxlan: { vni: 1, port: 8472, gbp: false, learning: false },
      udpPort: 8285,
      leaseTtlMs: 86_400_000,
      routeWriter: 'node',
      allowPlaintext: false,
      probe: { intervalMs: 1000, holdMs: 30_000, port: 8286, idleBudget: 50 },
      routeTables: { ids: [], tag: undefined },
      gce: { mode: 'alias' },
      pools: [],
    });
  });

  it('does not read a text that is larger than any config', () => {
    assert.throws(() => parseNetworkConfig(' '.repeat(300_000)), {
      code: 'CONFIG_INVALID',
      message: /300000 characters/,
    });
  });
});

function describeRaw(raw: string): string {
  if (raw === '[]') return 'a list';
  if (raw === '{}') return 'an object';
  if (raw === 'true') return 'true';
  return raw.startsWith('"') ? `the string ${raw}` : `the number ${raw}`;
}
