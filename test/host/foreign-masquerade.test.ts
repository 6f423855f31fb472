import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { put, KINDS, MasqueradeWorld, standing, type Kind } from './masquerade-world.ts';
import { NEEDS_ROOT } from './own-network-namespace.ts';
import { run } from './packet-filter.ts';

/** What flanneld of today sets by iptables, and leaves. */
const flannelRules = (subnet: string): string => `*nat
:FLANNEL-POSTRTG - [0:0]
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s ${subnet} -d 10.42.0.0/16 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.42.0.0/16 -d ${subnet} -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG ! -s 10.42.0.0/16 -d ${subnet} -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.42.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
-A FLANNEL-POSTRTG ! -s 10.42.0.0/16 -d 10.42.0.0/16 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
COMMIT
`;

const flannelTable = (subnet: string): string => `table ip flannel-ipv4 {
  chain postrtg {
    type nat hook postrouting priority srcnat; policy accept;
    meta mark 0x4000 return
    ip saddr ${subnet} ip daddr 10.42.0.0/16 return
    ip saddr 10.42.0.0/16 ip daddr ${subnet} return
    ip saddr != ${subnet} ip daddr 10.42.0.0/16 return
    ip saddr 10.42.0.0/16 ip daddr != 224.0.0.0/4 masquerade fully-random
    ip saddr != 10.42.0.0/16 ip daddr 10.42.0.0/16 masquerade fully-random
  }
}`;

/** By the program's own words, and through nft where that is there. */
function leave(world: MasqueradeWorld, kind: Kind, subnet: string): void {
  if (kind === 'nftables') world.nft(flannelTable(subnet));
  else run('sh', '-c', `${kind}-restore --noflush <<'EOF'\n${flannelRules(subnet)}EOF`);
}

const OURS = 'masquerade 10.42.0.0/16 own 10.42.7.0/24 fully-random';

describe('what flanneld left behind', { skip: NEEDS_ROOT }, () => {
  let world: MasqueradeWorld | undefined;
  afterEach(() => {
    world?.close();
    world = undefined;
  });

  for (const kind of KINDS) {
    it(`for this host’s subnet stands beside ours, and nothing is masqueraded twice (${kind})`, async () => {
      world = new MasqueradeWorld(kind);
      leave(world, kind, '10.42.7.0/24');
      await put();
      assert.deepEqual(await standing(), [OURS]);
      assert.equal(world.sender('pod', '192.0.2.2', 'outside'), '192.0.2.1');
      assert.equal(world.sender('pod', '10.42.9.2', 'far'), '10.42.7.2');
      assert.equal(world.sender('outside', '10.42.7.2', 'pod'), '192.0.2.2');
    });

    if (kind === 'nftables') continue;

    it(`for another subnet is reported with what takes it away, which does (${kind})`, async () => {
      world = new MasqueradeWorld(kind);
      leave(world, kind, '10.42.6.0/24');
      await put();
      assert.equal(world.sender('pod', '10.42.9.2', 'far'), '198.51.100.1', 'masqueraded by flannel’s rules');
      const [ours, finding = ''] = await standing();
      assert.equal(ours, OURS);
      assert.match(finding, /masquerades what containers of 10\.42\.7\.0\/24 send to others of 10\.42\.0\.0\/16/);
      const remedy = finding.split('It is not ours to change: ')[1] ?? '';
      assert.ok(remedy.startsWith(`${kind} -t nat -D`), finding);
      run('sh', '-c', remedy);
      assert.deepEqual(await standing(), [OURS]);
      assert.equal(world.sender('pod', '10.42.9.2', 'far'), '10.42.7.2');
    });
  }

  it('for another subnet in nftables rewrites nothing of ours: its fourth rule lets all of the Network be', async () => {
    world = new MasqueradeWorld('nftables');
    leave(world, 'nftables', '10.42.6.0/24');
    await put();
    assert.deepEqual(await standing(), [OURS]);
    assert.equal(world.sender('pod', '10.42.9.2', 'far'), '10.42.7.2');
    assert.equal(world.sender('192.0.2.1', '10.42.9.2', 'far'), '198.51.100.1', 'and ours do what its sixth does not');
  });

  it('and Docker’s own masquerade of a bridge with this host’s subnet: reported, by nft’s view of iptables-nft too', async () => {
    world = new MasqueradeWorld('nftables');
    run('iptables-nft', ...'-t nat -A POSTROUTING -s 10.42.7.0/24 ! -o docker0 -j MASQUERADE'.split(' '));
    const [finding = ''] = await standing();
    assert.match(finding, /chain POSTROUTING of nat \(iptables-nft\) masquerades .*--ip-masq=false/);
  });

  it('by iptables is seen through nft', async () => {
    world = new MasqueradeWorld('nftables');
    leave(world, 'iptables-nft', '10.42.6.0/24');
    const [finding = ''] = await standing();
    assert.match(finding, /flanneld left it for another subnet/);
  });
});
