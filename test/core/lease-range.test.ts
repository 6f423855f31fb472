/** FLANNEL.md 1.2 and 1.3 at the level of the arithmetic, both families. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareAddresses, parseAddress, type Family } from '../../src/core/address.ts';
import type { ConfigProblem } from '../../src/core/config-problem.ts';
import { leasableCount, misfit, rangeOf } from '../../src/core/lease-range.ts';
import { baseOf, contains, parseSubnet, subnetOf, trySubnet } from '../../src/core/subnet.ts';
import { subnetIn } from './arbitraries.ts';

interface Written {
  readonly network?: string;
  readonly length?: number;
  readonly min?: string;
  readonly max?: string;
}

/** `24 10.0.1.0 10.0.3.0`, or the error. */
function range(version: Family, { network, length, min, max }: Written): string {
  const problems: ConfigProblem[] = [];
  const found = rangeOf(
    version,
    {
      network: network === undefined ? undefined : parseSubnet(network),
      subnetLength: length,
      min: min === undefined ? undefined : parseAddress(min),
      max: max === undefined ? undefined : parseAddress(max),
    },
    problems,
  );
  if (found === undefined) {
    assert.equal(problems.length, 1);
    assert.ok(problems[0]?.fix);
    return problems[0].message;
  }
  assert.deepEqual(problems, []);
  return `${found.subnetLength} ${found.min} ${found.max}`;
}

describe('the range of leasable subnets', () => {
  const v4: [Written, string][] = [
    [{ network: '10.0.0.0/22' }, '24 10.0.1.0 10.0.3.0'],
    [{ network: '10.0.0.0/23' }, '25 10.0.0.128 10.0.1.128'],
    [{ network: '10.0.0.0/24' }, '26 10.0.0.64 10.0.0.192'],
    [{ network: '10.0.0.0/28' }, '30 10.0.0.4 10.0.0.12'],
    [{ network: '10.0.0.0/29' }, 'network is too small. Minimum useful network prefix is /28'],
    [{ network: '10.0.0.0/16', length: 17 }, 'network must be able to accommodate at least four subnets'],
    [{ network: '10.0.0.0/16', length: 18 }, '18 10.0.64.0 10.0.192.0'],
    [{ network: '10.0.0.0/16', length: 30 }, '30 10.0.0.4 10.0.255.252'],
    [{ network: '10.0.0.0/16', length: 31 }, 'SubnetLen must be less than /31'],
    [{ network: '10.0.0.0/16', min: '10.0.5.1' }, 'SubnetMin is not on a SubnetLen boundary: 10.0.5.1'],
    [{ network: '10.0.0.0/16', max: '10.0.5.1' }, 'SubnetMax is not on a SubnetLen boundary: 10.0.5.1'],
    [{ network: '10.0.0.0/16', min: '10.1.0.0' }, 'SubnetMin is not in the range of the Network'],
    [{ network: '10.0.0.0/16', max: '11.0.0.0' }, 'SubnetMax is not in the range of the Network'],
    [{ network: '10.0.0.0/16', min: '10.0.9.0', max: '10.0.5.0' }, '24 10.0.9.0 10.0.5.0'],
    [{ network: '10.0.0.0/16', min: '10.0.0.0' }, '24 10.0.0.0 10.0.255.0'],
    [{ network: '10.0.0.0/16', min: '0.0.0.0', max: '0.0.0.0' }, '24 10.0.1.0 10.0.255.0'],
    [{ network: '255.255.0.0/16' }, '24 255.255.1.0 255.255.255.0'],
    [{ network: '0.0.0.0/0' }, 'please define a correct Network parameter in the flannel config'],
    [{}, 'please define a correct Network parameter in the flannel config'],
  ];
  for (const [written, expected] of v4) {
    it(`IPv4 ${JSON.stringify(written)}: ${expected}`, () => assert.equal(range(4, written), expected));
  }

  const v6: [Written, string][] = [
    [{ network: 'fc00::/48' }, '64 fc00:0:0:1:: fc00:0:0:ffff::'],
    [{ network: 'fc00::/62' }, '64 fc00:0:0:1:: fc00:0:0:3::'],
    [{ network: 'fc00::/63' }, '65 fc00::8000:0:0:0 fc00:0:0:1:8000::'],
    [{ network: 'fc00::/124' }, '126 fc00::4 fc00::c'],
    [{ network: 'fc00::/125' }, 'IPv6Network is too small. Minimum useful network prefix is /124'],
    [{ network: 'fc00::/48', length: 127 }, 'SubnetLen must be less than /127'],
    [{ network: 'fc00::/48', length: 49 }, 'network must be able to accommodate at least four subnets'],
    [{ network: 'fc00::/48', min: 'fd00::' }, 'IPv6SubnetMin is not in the range of the IPv6Network'],
    [{ network: 'fc00::/48', max: 'fd00::' }, 'IPv6SubnetMax is not in the range of the IPv6Network'],
    [{ network: 'fc00::/48', min: 'fc00:0:0:1::1' }, 'IPv6SubnetMin is not on a SubnetLen boundary: fc00:0:0:1::1'],
    [{}, 'please define a correct IPv6Network parameter in the flannel config'],
    [{ network: '::/0' }, 'please define a correct IPv6Network parameter in the flannel config'],
  ];
  for (const [written, expected] of v6) {
    it(`IPv6 ${JSON.stringify(written)}: ${expected}`, () => assert.equal(range(6, written), expected));
  }

  it('SN-2: IPv6 defaults', () => {
    assert.equal(range(6, { network: 'fc00::/48' }), '64 fc00:0:0:1:: fc00:0:0:ffff::');
  });

  it('SN-4: IPv6 values that are given are kept', () => {
    const written = { network: 'fc00::/48', length: 124, min: 'fc00:0:0:1::', max: 'fc00:0:0:f::' };
    assert.equal(range(6, written), '124 fc00:0:0:1:: fc00:0:0:f::');
  });

  it('by default lies inside the network, aligned, first to last, for every network that is large enough', () => {
    fc.assert(
      fc.property(fc.oneof(subnetIn(4, 1, 28), subnetIn(6, 1, 124)), (network) => {
        const found = rangeOf(
          network.includes(':') ? 6 : 4,
          { network, subnetLength: undefined, min: undefined, max: undefined },
          [],
        );
        if (found === undefined) return baseOf(network) === '0.0.0.0' || baseOf(network) === '::';
        const { min, max, subnetLength } = found;
        assert.ok(contains(network, subnetOf(min, subnetLength)) && contains(network, subnetOf(max, subnetLength)));
        assert.equal(baseOf(subnetOf(min, subnetLength)), min);
        assert.equal(baseOf(subnetOf(max, subnetLength)), max);
        assert.ok(compareAddresses(min, max) <= 0);
        // All but the first.
        assert.equal(leasableCount(found), (1n << BigInt(subnetLength - Number(network.split('/')[1]))) - 1n);
        return true;
      }),
    );
  });

  it('counts its subnets, and none when it is upside down', () => {
    const upside = rangeOf(
      4,
      {
        network: parseSubnet('10.0.0.0/16'),
        subnetLength: 24,
        min: parseAddress('10.0.9.0'),
        max: parseAddress('10.0.5.0'),
      },
      [],
    );
    const straight = rangeOf(
      4,
      { network: parseSubnet('10.0.0.0/16'), subnetLength: 30, min: undefined, max: undefined },
      [],
    );
    assert.ok(upside && straight);
    assert.equal(leasableCount(upside), 0n);
    assert.equal(leasableCount(straight), 16_383n);
  });

  it('says why a subnet does not fit', () => {
    const found = rangeOf(
      4,
      {
        network: parseSubnet('10.3.0.0/16'),
        subnetLength: 24,
        min: parseAddress('10.3.5.0'),
        max: parseAddress('10.3.8.0'),
      },
      [],
    );
    assert.ok(found);
    const why = (text: string): string | undefined => {
      const subnet = trySubnet(text);
      assert.ok(subnet);
      return misfit(found, subnet);
    };
    assert.equal(why('10.3.5.0/24'), undefined);
    assert.equal(why('10.3.8.0/24'), undefined);
    assert.match(why('10.3.4.0/24') ?? '', /below SubnetMin 10\.3\.5\.0/);
    assert.match(why('10.3.9.0/24') ?? '', /above SubnetMax 10\.3\.8\.0/);
    assert.match(why('10.3.6.0/25') ?? '', /not a \/24/);
    assert.match(why('10.4.6.0/24') ?? '', /outside Network 10\.3\.0\.0\/16/);
    assert.match(why('fd00::/24') ?? '', /outside Network/);
  });
});
