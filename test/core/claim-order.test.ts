import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { planClaim, type ClaimFacts, type Claimer, type OwnedLease } from '../../src/core/claim-order.ts';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';

const subnet = (third: number) => parseSubnet(`10.42.${third}.0/24`);
const [me, other] = [parseNodeId('me'), parseNodeId('other')];
const myIP = parseAddress('192.0.2.1');

function owned(third: number, node: typeof me | undefined, publicIP = '192.0.2.9'): OwnedLease {
  const lease = {
    key: leaseKeyOf({ v4: subnet(third) }),
    subnet: { v4: subnet(third) },
    attributes: { publicIP: parseAddress(publicIP) },
    epoch: 1,
    version: '1',
  };
  return { lease, node };
}

const nothing: ClaimFacts = { leases: [], reserved: [], freed: [], unreadable: [] };

/** Subnets 1 to 9. */
function plan(facts: Partial<ClaimFacts>, claimer: { previous?: number; mayRenumber?: boolean } = {}): string {
  const wish: Claimer = {
    node: me,
    publicIP: myIP,
    mayRenumber: claimer.mayRenumber ?? true,
    within: [],
    range: {
      network: parseSubnet('10.42.0.0/16'),
      subnetLength: 24,
      min: parseAddress('10.42.1.0'),
      max: parseAddress('10.42.9.0'),
    },
    ...(claimer.previous === undefined ? {} : { previous: subnet(claimer.previous) }),
  };
  const { release, step } = planClaim(wish, { ...nothing, ...facts }, () => 0);
  const released = release.map(({ key }) => `release ${key}, `).join('');
  if (step.kind === 'adopt') return `${released}adopt ${step.lease.key}`;
  if (step.kind === 'create')
    return `${released}create ${step.subnet}${step.over === undefined ? '' : ' over a plain lease'}`;
  return step.kind === 'taken' ? `${released}${step.subnet} ${step.why}` : `${released}none`;
}

describe('the order in which a claimer takes what', () => {
  it('own leases first: the previous one, else any', () => {
    assert.equal(plan({ leases: [owned(2, me), owned(3, me)] }, { previous: 3 }), 'adopt 10.42.3.0-24');
    assert.equal(plan({ leases: [owned(2, me), owned(3, other)] }, { previous: 3 }), 'adopt 10.42.2.0-24');
  });

  it('own leases outside the range are released', () => {
    assert.equal(plan({ leases: [owned(20, me)] }, { previous: 20 }), 'release 10.42.20.0-24, create 10.42.1.0/24');
  });

  it('a flanneld\u2019s of this host: adopted where it is known to be ours, made anew where only the address says so', () => {
    const mine = owned(2, undefined, myIP);
    assert.equal(plan({ leases: [owned(3, undefined, myIP), mine] }, { previous: 2 }), 'adopt 10.42.2.0-24');
    assert.equal(plan({ leases: [mine] }), 'create 10.42.2.0/24 over a plain lease');
    assert.equal(plan({ leases: [mine] }, { previous: 5 }), 'create 10.42.5.0/24');
    assert.equal(plan({ leases: [owned(2, undefined)] }, { previous: 2 }), 'create 10.42.1.0/24');
  });

  it('a previous subnet that is another\u2019s is told whose, when no other may be taken', () => {
    const refused = { previous: 2, mayRenumber: false };
    const node = { subnet: subnet(2), node: other };
    assert.equal(plan({ leases: [owned(2, other)] }, refused), '10.42.2.0/24 is leased by node other');
    assert.equal(plan({ leases: [owned(2, undefined)] }, refused), '10.42.2.0/24 is leased by a flanneld at 192.0.2.9');
    assert.equal(plan({ unreadable: [subnet(2)] }, refused), '10.42.2.0/24 is held by an entry that cannot be read');
    assert.equal(plan({ reserved: [node] }, refused), '10.42.2.0/24 is reserved for node other');
    assert.equal(
      plan({ freed: [{ ...node, freedAt: 1, quarantineMs: 5 }] }, refused),
      '10.42.2.0/24 was node other\u2019s until a moment ago'.replace('\u2019', "'"),
    );
    assert.equal(plan({ freed: [{ ...node, freedAt: 1, quarantineMs: 0 }] }, refused), 'create 10.42.2.0/24');
    assert.equal(plan({ leases: [owned(2, other)] }, { previous: 2 }), 'create 10.42.1.0/24');
  });

  it('what cannot be read is not given away', () => {
    assert.equal(plan({ unreadable: [subnet(1)] }), 'create 10.42.2.0/24');
    assert.equal(plan({ unreadable: [1, 2, 3, 4, 5, 6, 7, 8, 9].map(subnet) }), 'none');
  });
});
