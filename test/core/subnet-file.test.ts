import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addressFrom } from '../../src/core/address.ts';
import { parseSubnetFile, previousSubnet, renderSubnetFile } from '../../src/core/subnet-file.ts';
import { parseSubnet, subnetOf } from '../../src/core/subnet.ts';

const NETWORK = parseSubnet('10.5.0.0/16');

describe('subnet.env', () => {
  it('is written to the byte as flannel writes it', () => {
    const text = renderSubnetFile({
      network: NETWORK,
      subnet: parseSubnet('10.5.10.0/24'),
      mtuBytes: 1450,
      ipMasq: true,
    });
    assert.equal(
      text,
      'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.10.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
    );
  });

  it('is read back as it was written', () => {
    const anything = fc.record({
      address: fc.bigInt(0n, 2n ** 32n - 1n),
      mtuBytes: fc.integer({ min: 68, max: 65535 }),
      ipMasq: fc.boolean(),
    });
    fc.assert(
      fc.property(anything, fc.integer({ min: 0, max: 30 }), ({ address, mtuBytes, ipMasq }, length) => {
        const subnet = subnetOf(addressFrom(address, 4), length);
        const file = { network: subnet, subnet, mtuBytes, ipMasq };
        assert.deepEqual(parseSubnetFile(renderSubnetFile(file)), { ...file, subnets: [subnet], skipped: [] });
      }),
    );
  });

  it('names every valid subnet of a list and reports the others (MA-1)', () => {
    const file = parseSubnetFile('FLANNEL_SUBNET=10.244.1.0/24,not-a-cidr,10.244.2.0/24\n');
    assert.deepEqual(file.subnets, ['10.244.1.0/24', '10.244.2.0/24']);
    assert.deepEqual(file.skipped, ['not-a-cidr']);
    assert.equal(file.subnet, undefined, 'two are one too many to know which is meant');
  });

  it('does so for IPv6 (MA-2)', () => {
    assert.deepEqual(parseSubnetFile('FLANNEL_SUBNET=fd00::/64,not-a-cidr,fd01::/64').subnets, [
      'fd00::/64',
      'fd01::/64',
    ]);
  });

  it('names none when no item is valid (MA-3, MA-4)', () => {
    for (const list of ['not-a-cidr', 'fd00::/64/1,nope', '', ',']) {
      const file = parseSubnetFile(`FLANNEL_SUBNET=${list}\n`);
      assert.deepEqual([file.subnets, file.subnet], [[], undefined], list);
    }
  });

  it('takes the one valid item of a list', () => {
    assert.equal(parseSubnetFile('FLANNEL_SUBNET= junk , 10.244.2.1/24 ').subnet, '10.244.2.0/24');
  });

  it('is read as dotenv: comments, quotes, export, spaces, CRLF; a line that is none is reported', () => {
    const text =
      '# by hand\r\nexport FLANNEL_NETWORK="10.5.0.0/16"\r\n\r\nFLANNEL_SUBNET = \'10.5.10.1/24\' # mine\r\nwhat is this\r\nFLANNEL_MTU=\nOTHER=1\n';
    assert.deepEqual(parseSubnetFile(text), {
      network: '10.5.0.0/16',
      subnets: ['10.5.10.0/24'],
      subnet: '10.5.10.0/24',
      mtuBytes: undefined,
      ipMasq: undefined,
      skipped: ['what is this'],
    });
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseSubnetFile(`FLANNEL_SUBNET=${text}\n${text}`)));
  });
});

describe('the subnet a host had before', () => {
  const previous = (text: string): unknown => previousSubnet(parseSubnetFile(text), NETWORK);

  it('is what a file of this Network names', () => {
    assert.deepEqual(previous('FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.10.1/24'), {
      subnet: '10.5.10.0/24',
      findings: [],
    });
    // flannel 0.4 wrote no Network.
    assert.deepEqual(previous('FLANNEL_SUBNET=10.5.10.1/24'), { subnet: '10.5.10.0/24', findings: [] });
  });

  it('is not taken from a file of another Network, which is reported', () => {
    assert.deepEqual(previous('FLANNEL_NETWORK=10.9.0.0/16\nFLANNEL_SUBNET=10.9.10.1/24'), {
      findings: [
        {
          code: 'SUBNET_FILE_FOREIGN',
          message:
            'subnet file: it belongs to Network 10.9.0.0/16, this host’s Network is 10.5.0.0/16; its subnet is not asked for again',
        },
      ],
    });
    assert.deepEqual(previous('FLANNEL_SUBNET=10.9.10.1/24'), {
      findings: [
        {
          code: 'SUBNET_FILE_FOREIGN',
          message:
            'subnet file: its subnet 10.9.10.0/24 lies outside, this host’s Network is 10.5.0.0/16; its subnet is not asked for again',
        },
      ],
    });
  });

  it('is unknown when the file names none', () => {
    assert.deepEqual(previous(''), { findings: [] });
  });
});
