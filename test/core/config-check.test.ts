import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checkConfig, unfitRange } from '../../src/core/config-check.ts';
import { parseSubnet } from '../../src/core/subnet.ts';

/** What a person reads, a line a finding. */
const report = (config: unknown): string[] =>
  checkConfig(typeof config === 'string' ? config : JSON.stringify(config)).map(
    ({ level, key, message, fix }) => `${level} ${key}: ${message}${fix === undefined ? '' : ` -> ${fix}`}`,
  );
const only = (level: string, config: unknown): string[] => report(config).filter((line) => line.startsWith(level));

describe('config check', () => {
  it('says how a good config is understood, and nothing else', () => {
    assert.deepEqual(report({ Network: '10.42.0.0/16', Backend: { Type: 'vxlan', DirectRouting: true } }), [
      'note Network: 255 hosts can have a subnet of 256 addresses each: 10.42.1.0/24 to 10.42.255.0/24',
      'note Paths: Paths, the best first: direct, vxlan',
      'note MTU: Containers get an MTU of 1450 on an uplink of 1500 (vxlan takes 50)',
    ]);
    assert.deepEqual(report({ Network: '10.42.0.0/16', Backend: { Type: 'host-gw', MTU: 9001 } }).slice(1), [
      'note Paths: Paths, the best first: direct',
      'note MTU: Containers get an MTU of 9001 on Backend.MTU 9001',
    ]);
  });

  it('lists every error with what to write instead', () => {
    assert.deepEqual(
      only('error', { Network: '10.42.0.0/16', SubnetMin: '10.42.5.1', Weft: { Path: ['vxlan'], Probe: { Hold: 8 } } }),
      [
        'error SubnetMin: SubnetMin is not on a SubnetLen boundary: 10.42.5.1 -> Set "SubnetMin" to 10.42.5.0, the base of the /24 that holds 10.42.5.1',
        'error Weft.Path: unknown key "Path" under Weft; the nearest known one is "Paths" -> Did you mean "Paths"?',
        'error Weft.Probe.Hold: Weft.Probe.Hold: expected a duration with its unit from "1s" to "1h", found the number 8 -> Write "Hold" as a duration with its unit from "1s" to "1h", or leave it out',
      ],
    );
    assert.deepEqual(report('{"Network": "10.42.0.0/16",}'), [
      'error : the network config is not JSON: line 1, column 28: expected a member\'s name in double quotes, found "}" -> Remove the comma before it, or write what is missing',
    ]);
  });

  it('warns that no subnet can be had when SubnetMin lies above SubnetMax', () => {
    assert.deepEqual(only('warning', { Network: '10.42.0.0/16', SubnetMin: '10.42.9.0', SubnetMax: '10.42.5.0' }), [
      'warning SubnetMin: SubnetMin 10.42.9.0 lies above SubnetMax 10.42.5.0: no subnet can be had -> Exchange the two',
    ]);
  });

  it("warns of slips in flannel's keys, which flannel ignores", () => {
    const config =
      '{"Network":"10.42.0.0/16","SubnetLenght":25,"Paths":[],"Comment":"x","network":"10.43.0.0/16","Backend":{"Type":"vxlan","DirectRoutng":true,"Junk":1}}';
    assert.deepEqual(only('warning', config), [
      'warning SubnetLenght: "SubnetLenght" is not known and is ignored -> Did you mean "SubnetLen"?',
      'warning Paths: "Paths" is ignored here -> It belongs into the member "Weft"',
      'warning Comment: "Comment" is not known and is ignored -> Remove it',
      'warning Network: "Network" is given twice; the last one counts -> Remove the others',
      'warning Backend.DirectRoutng: "Backend.DirectRoutng" is not known and is ignored -> Did you mean "DirectRouting"?',
      'warning Backend.Junk: "Backend.Junk" is not known and is ignored -> Remove it',
    ]);
  });

  it('warns of IPv6 keys, which nothing reads yet', () => {
    assert.deepEqual(only('warning', { Network: '10.42.0.0/16', IPv6Network: 'fc00::/48' }), [
      'warning IPv6Network: "IPv6Network" is ignored: IPv6 is not carried by Weft yet -> Remove it',
    ]);
  });

  it('warns of ranges that are public, special or masked', () => {
    const warning = (Network: string): string => only('warning', { Network }).join('\n');
    assert.match(warning('8.8.0.0/16'), /is public address space/);
    assert.match(warning('100.64.0.0/10'), /^$/);
    assert.match(warning('127.0.0.0/16'), /loopback/);
    assert.match(warning('169.254.168.0/22'), /Amazon/);
    assert.match(warning('169.254.0.0/16'), /Amazon|link-local/);
    assert.match(warning('224.1.0.0/16'), /multicast/);
    assert.match(warning('255.255.0.0/16'), /reserved/);
    assert.match(warning('172.17.0.0/16'), /Docker/);
    assert.match(warning('10.42.7.9/16'), /"10\.42\.7\.9\/16" is taken as 10\.42\.0\.0\/16/);
    assert.match(unfitRange(parseSubnet('fd00:ec2::/48')) ?? '', /Amazon/);
    assert.equal(unfitRange(parseSubnet('fd00:42::/48')), undefined);
  });

  it('warns of an MTU that is too small to live with', () => {
    assert.match(
      only('warning', { Network: '10.42.0.0/16', Backend: { Type: 'vxlan', MTU: 1300 } }).join(),
      /MTU of 1250/,
    );
  });

  it('ends with findings, whatever the text', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void checkConfig(text)));
    fc.assert(
      fc.property(
        fc.jsonValue(),
        (Backend) => void checkConfig(JSON.stringify({ Network: '10.42.0.0/16', Backend, Weft: Backend })),
      ),
    );
  });

  it('finds errors exactly where the parser refuses', () => {
    for (const config of [{ Network: '10.42.0.0/16' }, {}, { Network: '10.42.0.0/16', Backend: { Type: 'ipip' } }]) {
      const errors = only('error', config).length;
      assert.equal(
        errors === 0,
        report(config).some((line) => line.startsWith('note')),
      );
    }
  });
});
