import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { masqueradeRules, readMasquerade } from '../../src/core/masquerade-rules.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { iptablesLines, readIptablesRule } from '../../src/host/iptables-masquerade.ts';
import { nftText, readNftRule } from '../../src/host/nft-masquerade.ts';
import { asSeenRule, rewritesPods } from '../../src/host/postrouting.ts';

const NETWORK = parseSubnet('10.42.0.0/16');
const SUBNET = parseSubnet('10.42.7.0/24');
const RULES = masqueradeRules(NETWORK, SUBNET);

describe('flannel’s masquerade rules', () => {
  it('FW-7: are flannel’s 2 to 7, in order, in the words of iptables-restore, the comment quoted', () => {
    const [declared, ...rules] = iptablesLines('0123abcd', RULES, true);
    assert.equal(declared, ':WEFT-POSTRTG-0123abcd - [0:0]', 'emptied, or made, in the same step');
    assert.deepEqual(
      rules.map((line) =>
        line.replace('-A WEFT-POSTRTG-0123abcd ', '').replace('-m comment --comment "weft masq" ', ''),
      ),
      [
        '-m mark --mark 0x4000/0x4000 -j RETURN',
        '-s 10.42.7.0/24 -d 10.42.0.0/16 -j RETURN',
        '-s 10.42.0.0/16 -d 10.42.7.0/24 -j RETURN',
        '! -s 10.42.0.0/16 -d 10.42.7.0/24 -j RETURN',
        '-s 10.42.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE --random-fully',
        '! -s 10.42.0.0/16 -d 10.42.0.0/16 -j MASQUERADE --random-fully',
      ],
    );
    assert.ok(rules.every((line) => line.includes(' -m comment --comment "weft masq" -j ')));
  });

  it('say the same to nft, in one transaction that replaces whatever stood there', () => {
    assert.equal(
      nftText('0123abcd', RULES, true).replaceAll(' comment "weft masq"', ''),
      `add table ip weft_masq_0123abcd
delete table ip weft_masq_0123abcd
table ip weft_masq_0123abcd {
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    meta mark & 0x4000 == 0x4000 return
    ip saddr 10.42.7.0/24 ip daddr 10.42.0.0/16 return
    ip saddr 10.42.0.0/16 ip daddr 10.42.7.0/24 return
    ip saddr != 10.42.0.0/16 ip daddr 10.42.7.0/24 return
    ip saddr 10.42.0.0/16 ip daddr != 224.0.0.0/4 masquerade fully-random
    ip saddr != 10.42.0.0/16 ip daddr 10.42.0.0/16 masquerade fully-random
  }
}`,
    );
  });

  it('are read back from what iptables shows, random ports and all', () => {
    for (const fullyRandom of [true, false]) {
      const [, ...lines] = iptablesLines('0123abcd', RULES, fullyRandom);
      const read = lines.map((line) => readIptablesRule(line)).map((rule) => rule && asSeenRule(rule));
      assert.deepEqual(readMasquerade(read), { network: NETWORK, subnet: SUBNET, fullyRandom });
    }
  });

  it('are none when one is missing, doubled, moved or changed', () => {
    const seen = RULES.map((rule) => ({ ...rule, fullyRandom: rule.does === 'masquerade' }));
    const changed = [
      seen.slice(1),
      seen.slice(0, -1),
      [...seen, ...seen.slice(-1)],
      seen.toReversed(),
      seen.map((rule, i) => ({ ...rule, fullyRandom: rule.fullyRandom && i === 4 })),
      seen.map((rule, i) => (i === 0 ? undefined : rule)),
      [
        { ...seen[0], mark: { value: 0x4000, mask: 0xffff_ffff }, does: 'return', fullyRandom: false } as const,
        ...seen.slice(1),
      ],
    ];
    for (const rules of changed) assert.equal(readMasquerade(rules), undefined);
    assert.notEqual(readMasquerade(seen), undefined);
  });

  it('are read from nft, whether it shows flags one by one or in a list', () => {
    const expr = (masquerade: object | null) => ({
      expr: [
        {
          match: {
            op: '==',
            left: { payload: { protocol: 'ip', field: 'saddr' } },
            right: { prefix: { addr: '10.42.0.0', len: 16 } },
          },
        },
        { masquerade },
      ],
    });
    const read = (masquerade: object | null) => asSeenRule(readNftRule(JSON.parse(JSON.stringify(expr(masquerade)))));
    assert.equal(read(null)?.fullyRandom, false);
    assert.equal(read({ flags: 'fully-random' })?.fullyRandom, true);
    assert.equal(read({ flags: ['fully-random'] })?.fullyRandom, true);
    assert.equal(read({ flags: ['random', 'persistent'] }), undefined);
    assert.equal(read({ port: 5 }), undefined);
  });

  it('never hold text that is not theirs, whatever a line of iptables says', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            '-A',
            'X',
            '-s',
            '-d',
            '!',
            '-j',
            '-m',
            'mark',
            '--mark',
            '0x1/0x1',
            '10.0.0.0/8',
            'RETURN',
            '"a b"',
          ),
        ),
        (words) => {
          readIptablesRule(words.join(' '));
        },
      ),
    );
  });
});

describe('rules of another hand', () => {
  const rewrites = (...lines: string[]): boolean =>
    rewritesPods(
      new Map([
        ['POSTROUTING', lines.flatMap((line) => readIptablesRule(`-A POSTROUTING ${line}`) ?? [])],
        ['LEFT', [readIptablesRule('-A LEFT -s 10.42.7.0/24 -d 10.42.0.0/16 -j RETURN')].flatMap((rule) => rule ?? [])],
      ]),
      'POSTROUTING',
      NETWORK,
      SUBNET,
    );

  for (const [what, ...lines] of [
    ['Docker’s for a bridge with our subnet', '-s 10.42.7.0/24 ! -o docker0 -j MASQUERADE'],
    ['one for the whole Network', '-s 10.42.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE'],
    ['one for everything', '-j MASQUERADE'],
    ['one behind a return of a chain that is called', '-j LEFT', '-s 10.42.7.0/24 -j MASQUERADE'],
    ['SNAT', '-s 10.42.0.0/16 -j SNAT --to-source 192.0.2.1'],
  ] as const)
    it(`rewrite what containers send to each other: ${what}`, () => assert.ok(rewrites(...lines)));

  for (const [what, ...lines] of [
    ['of another bridge', '-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE'],
    ['behind a return for the Network', '-s 10.42.0.0/16 -d 10.42.0.0/16 -j RETURN', '-s 10.42.0.0/16 -j MASQUERADE'],
    ['behind an accept', '-d 10.42.0.0/16 -j ACCEPT', '-j MASQUERADE'],
    ['with a mark', '-m mark --mark 0x4000/0x4000 -j MASQUERADE'],
    ['for a port', '-s 10.42.7.5/32 -p tcp -m tcp --dport 80 -j MASQUERADE'],
    ['for what leaves the Network', '-s 10.42.0.0/16 ! -d 10.42.0.0/16 -j MASQUERADE'],
    ['for connections of this host', '! -s 10.42.0.0/16 -d 10.42.0.0/16 -j MASQUERADE'],
  ] as const)
    it(`leave what containers send to each other: one ${what}`, () => assert.ok(!rewrites(...lines)));
});
