import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSubnet } from '../../src/core/subnet.ts';
import { placesFor } from '../../src/host/forward-chains.ts';
import { parseIptables } from '../../src/host/iptables.ts';

const NETWORK = parseSubnet('10.42.0.0/16');

/** `FORWARD 2 source,destination`: above which rule an accept belongs, for which directions; `-` when none is needed. */
function place(text: string): string {
  const found = new Map<string, string[]>();
  for (const { chain, index, direction } of placesFor(parseIptables(text), NETWORK))
    found.set(`${chain} ${index}`, [...(found.get(`${chain} ${index}`) ?? []), direction]);
  return [...found].map(([where, directions]) => `${where} ${directions.join(',')}`).join('; ') || '-';
}
const drops = (...rules: string[]): string => place(['-P FORWARD DROP', ...rules].join('\n'));
const accepts = (...rules: string[]): string => place(['-P FORWARD ACCEPT', ...rules].join('\n'));
const OURS = [
  '-A FORWARD -s 10.42.0.0/16 -m comment --comment "weft forward" -j ACCEPT',
  '-A FORWARD -d 10.42.0.0/16 -m comment --comment "weft forward" -j ACCEPT',
];

describe('where an accept belongs among the rules of FORWARD', () => {
  it('is nowhere when nothing drops', () => {
    assert.equal(place(''), '-');
    assert.equal(accepts(), '-');
    assert.equal(accepts('-A FORWARD -j LOG --log-prefix "seen: -j DROP "'), '-');
  });

  it('is the end when the policy drops, below the drops that mean something else', () => {
    assert.equal(drops(), 'FORWARD 0 source,destination');
    assert.equal(drops('-A FORWARD -m conntrack --ctstate INVALID -j DROP'), 'FORWARD 1 source,destination');
    assert.equal(drops('-A FORWARD -s 10.42.3.0/24 -d 10.42.9.9/32 -j REJECT'), 'FORWARD 1 source,destination');
    assert.equal(drops('-A FORWARD ! -s 10.42.0.0/16 -j DROP'), 'FORWARD 1 source,destination');
    assert.equal(
      drops('-A FORWARD -p tcp -m tcp --dport 25 -m comment --comment "no mail" -j DROP'),
      'FORWARD 1 source,destination',
    );
  });

  it('is above the rule that takes all that is ours', () => {
    assert.equal(
      accepts('-A FORWARD -i eth9 -p udp -j ACCEPT', '-A FORWARD -j REJECT --reject-with icmp-host-prohibited'),
      'FORWARD 1 source,destination',
    );
    assert.equal(accepts('-A FORWARD -s 10.0.0.0/8 -j DROP'), 'FORWARD 0 source,destination');
    assert.equal(accepts('-A FORWARD -i eth0 -j DROP'), 'FORWARD 0 source,destination');
  });

  it('is above the jump to a chain that takes all', () => {
    const ufw = [
      '-N ufw-reject',
      '-N ufw-user',
      '-A FORWARD -j ufw-user',
      '-A FORWARD -j ufw-reject',
      '-A ufw-reject -m comment --comment "the end" -j REJECT',
    ];
    assert.equal(accepts(...ufw), 'FORWARD 1 source,destination');
    assert.equal(accepts(...ufw, '-A ufw-user -s 10.42.0.0/16 -j ACCEPT'), 'FORWARD 1 destination');
    assert.equal(accepts('-N a', '-N b', '-A FORWARD -j a', '-A a -j RETURN', '-A a -j DROP', '-A FORWARD -g b'), '-');
  });

  it('is nowhere when a chain for one device of another program drops', () => {
    assert.equal(accepts('-N LIBVIRT_FWI', '-A FORWARD -j LIBVIRT_FWI', '-A LIBVIRT_FWI -o virbr0 -j REJECT'), '-');
  });

  it('is nowhere when accepts of anybody stand already', () => {
    assert.equal(drops(...OURS), '-');
    assert.equal(
      drops(
        '-N FLANNEL-FWD',
        '-A FORWARD -j FLANNEL-FWD',
        '-A FLANNEL-FWD -s 10.42.0.0/16 -j ACCEPT',
        '-A FLANNEL-FWD -d 10.0.0.0/8 -j ACCEPT',
      ),
      '-',
    );
    assert.equal(drops('-A FORWARD -j ACCEPT'), '-');
  });

  it('is asked for only in the direction that lacks one', () => {
    assert.equal(drops(OURS[0] ?? ''), 'FORWARD 1 destination');
    assert.equal(drops(OURS[1] ?? '', '-A FORWARD -j DROP'), 'FORWARD 1 source');
  });

  it('is above what drops although our rules stand below it', () => {
    assert.equal(drops('-A FORWARD -j DROP', ...OURS), 'FORWARD 0 source,destination');
  });

  it('is not taken for the rules of another network or half of ours', () => {
    assert.equal(
      drops(...OURS.map((rule) => rule.replace('10.42.0.0/16', '10.43.0.0/16'))),
      'FORWARD 2 source,destination',
    );
    assert.equal(
      drops(...OURS.map((rule) => rule.replace('10.42.0.0/16', '10.42.0.0/17'))),
      'FORWARD 2 source,destination',
    );
  });

  it('is at the end when a bare return in FORWARD leads to a policy that drops', () => {
    assert.equal(drops('-A FORWARD -j RETURN', '-A FORWARD -j ACCEPT'), 'FORWARD 0 source,destination');
    assert.equal(accepts('-A FORWARD -j RETURN', '-A FORWARD -j DROP'), '-');
  });

  const docker = ['-N DOCKER-USER', '-N DOCKER-FORWARD', '-A FORWARD -j DOCKER-USER', '-A FORWARD -j DOCKER-FORWARD'];

  it('is below what operators forbid in the chain that Docker leaves to them, and above what ends it', () => {
    const user = (...rules: string[]): string => drops(...docker, ...rules.map((rule) => `-A DOCKER-USER ${rule}`));
    const outside = '-i eth0 ! -s 198.51.100.0/24 -j DROP';
    assert.equal(user(outside), 'DOCKER-USER 1 source,destination');
    assert.equal(user(outside, '-j RETURN'), 'DOCKER-USER 1 source,destination');
    assert.equal(
      user('-i eth0 -s 198.51.100.0/24 -j RETURN', '-i eth0 -j DROP', '-j RETURN'),
      'DOCKER-USER 2 source,destination',
    );
    assert.equal(user('-p tcp -m tcp --dport 25 -j DROP', '-j DROP'), 'DOCKER-USER 1 source,destination');
    assert.equal(user('-s 10.0.0.0/8 -j RETURN', outside), 'DOCKER-USER 2 destination; DOCKER-USER 0 source');
    assert.equal(
      user('-s 10.42.0.0/16 -m comment --comment "weft forward" -j ACCEPT', outside),
      'DOCKER-USER 2 destination',
    );
    const last = ['-N last', '-A last -j LOG', '-A last -j DROP', '-A DOCKER-USER -j last'];
    assert.equal(drops(...docker, `-A DOCKER-USER ${outside}`, ...last), 'DOCKER-USER 1 source,destination');
  });

  it('is in the chain that Docker leaves to its users, whatever Docker does behind it', () => {
    assert.equal(drops(...docker), 'DOCKER-USER 0 source,destination');
    assert.equal(accepts(...docker), 'DOCKER-USER 0 source,destination');
    assert.equal(
      drops(...docker, ...OURS),
      'DOCKER-USER 0 source,destination',
      'behind Docker’s own chains it comes too late',
    );
    const inUser = OURS.map((rule) => rule.replace('FORWARD', 'DOCKER-USER'));
    assert.equal(drops(...docker, ...inUser, '-A DOCKER-USER -j RETURN'), '-');
    assert.equal(drops(...docker, '-A DOCKER-USER -j RETURN', ...inUser), 'DOCKER-USER 0 source,destination');
    assert.equal(drops(...docker, inUser[0] ?? ''), 'DOCKER-USER 1 destination');
    assert.equal(
      drops('-A FORWARD -j DROP', ...docker, ...inUser),
      'FORWARD 0 source,destination',
      'above Docker’s jump somebody drops',
    );
  });

  it('is FORWARD when Docker’s chain is there but nothing leads to it', () => {
    assert.equal(drops('-N DOCKER-USER', '-A DOCKER-USER -j RETURN'), 'FORWARD 0 source,destination');
  });

  it('comes to an end in chains that go round', () => {
    assert.equal(drops('-N a', '-N b', '-A FORWARD -j a', '-A a -j b', '-A b -j a'), 'FORWARD 1 source,destination');
  });
});
