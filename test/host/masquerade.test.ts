import assert from 'node:assert/strict';
import { afterEach, before, describe, it } from 'node:test';
import { parseSubnet } from '../../src/core/subnet.ts';
import { PacketFilter } from '../../src/host/packet-filter.ts';
import { findProgram } from '../../src/host/program.ts';
import { INSTANCE, KINDS, MasqueradeWorld, put, remove, standing, WANT, type Kind } from './masquerade-world.ts';
import { hidePrograms, NEEDS_ROOT, uncoverPrograms } from './own-network-namespace.ts';
import { run } from './packet-filter.ts';

const STANDS = ['masquerade 10.42.0.0/16 own 10.42.7.0/24 fully-random'];
const LEFT = `masquerade of ${INSTANCE}, changed by another hand`;

/** Everything in the packet filter, as the programs of that kind show it. */
function ruleset(world: MasqueradeWorld, kind: Kind): string {
  const legacy = kind === 'iptables-legacy' ? run('iptables-legacy-save') : '';
  return `${world.nft('list ruleset')}${legacy}`
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\[\d+:\d+\]|packets \d+ bytes \d+/g, '');
}

describe('masquerade', { skip: NEEDS_ROOT }, () => {
  let world: MasqueradeWorld | undefined;
  before(() => {
    const missing = ['nft', 'iptables-nft', 'iptables-legacy', 'ip', 'ping'].filter(
      (name) => findProgram(name) === undefined,
    );
    assert.deepEqual(missing, [], 'as root these tests must run: install nftables, iptables, iproute2, iputils-ping');
  });
  afterEach(() => {
    world?.close();
    world = undefined;
  });
  const enter = (kind: Kind): MasqueradeWorld => (world = new MasqueradeWorld(kind));

  for (const kind of KINDS) {
    it(`gives what leaves the Network this host’s address, and leaves containers’ own among each other (${kind})`, async () => {
      const world = enter(kind);
      assert.equal(world.sender('pod', '192.0.2.2', 'outside'), '10.42.7.2', 'before');
      await put();
      world.nft('add table ip marks');
      world.nft('add chain ip marks pre { type filter hook prerouting priority -150; }');
      world.nft('add rule ip marks pre ip daddr 192.0.2.3 meta mark set 0x4001');
      assert.deepEqual(
        {
          'pod to outside': world.sender('pod', '192.0.2.2', 'outside'),
          'pod to outside, with kube-proxy’s bit among others of the mark': world.sender('pod', '192.0.2.3', 'outside'),
          'pod to another host’s pod': world.sender('pod', '10.42.9.2', 'far'),
          'another host’s pod to pod': world.sender('far 10.42.9.2', '10.42.7.2', 'pod'),
          'outside to pod': world.sender('outside', '10.42.7.2', 'pod'),
          'host, bound to its own address, to another host’s pod': world.sender('192.0.2.1', '10.42.9.2', 'far'),
          'host, bound to its subnet, to another host’s pod': world.sender('10.42.7.1', '10.42.9.2', 'far'),
          'another part of the Network to outside': world.sender('10.42.8.1', '192.0.2.2', 'outside'),
          'another part of the Network to all (multicast)': world.sender('10.42.8.1', '224.0.0.1', 'outside'),
        },
        {
          'pod to outside': '192.0.2.1',
          'pod to outside, with kube-proxy’s bit among others of the mark': '10.42.7.2',
          'pod to another host’s pod': '10.42.7.2',
          'another host’s pod to pod': '10.42.9.2',
          'outside to pod': '192.0.2.2',
          'host, bound to its own address, to another host’s pod': '198.51.100.1',
          'host, bound to its subnet, to another host’s pod': '10.42.7.1',
          'another part of the Network to outside': '192.0.2.1',
          'another part of the Network to all (multicast)': '10.42.8.1',
        },
      );
    });

    it(`FW-5: is set once and then left alone, beside others’ rules; when it is gone it is set again (${kind})`, async () => {
      const world = enter(kind);
      if (kind !== 'nftables') run(kind, ...'-t nat -A POSTROUTING -m comment --comment theirs -j RETURN'.split(' '));
      const before = ruleset(world, kind);
      assert.deepEqual(await standing(), []);
      assert.equal(ruleset(world, kind), before, 'looking leaves nothing behind');
      await put();
      assert.deepEqual(await standing(), STANDS);
      const set = ruleset(world, kind);
      await put();
      assert.equal(ruleset(world, kind), set, 'a second time changes nothing');
      if (kind === 'iptables-legacy') run(kind, '-t', 'nat', '-F');
      else world.nft('flush ruleset');
      assert.notDeepEqual(await standing(), STANDS);
      await put();
      assert.deepEqual(await standing(), STANDS);
      assert.equal(world.sender('pod', '192.0.2.2', 'outside'), '192.0.2.1');
    });

    it(`FW-1: is taken back, all of it and nothing else, as often as it is asked for (${kind})`, async () => {
      const world = enter(kind);
      if (kind !== 'nftables') run(kind, ...'-t nat -A POSTROUTING -m comment --comment theirs -j RETURN'.split(' '));
      const before = ruleset(world, kind);
      await put();
      await remove();
      await remove();
      assert.deepEqual(await standing(), []);
      assert.equal(ruleset(world, kind), before);
    });

    it(`of two daemons stands and goes by itself (${kind})`, async () => {
      enter(kind);
      const other = {
        ...WANT,
        instance: '89abcdef',
        network: parseSubnet('10.43.0.0/16'),
        subnet: parseSubnet('10.43.1.0/24'),
      };
      await put();
      await put(other);
      const OTHERS = ['masquerade 10.43.0.0/16 own 10.43.1.0/24 fully-random'];
      assert.deepEqual([await standing(), await standing(other.instance)], [STANDS, OTHERS]);
      await remove();
      assert.deepEqual([await standing(), await standing(other.instance)], [[], OTHERS]);
    });

    it(`FW-3: follows another subnet and the choice of ports by one replacement (${kind})`, async () => {
      const world = enter(kind);
      await put();
      await put({ ...WANT, subnet: parseSubnet('10.42.8.0/24'), fullyRandom: false });
      assert.match((await standing()).join(), /^masquerade 10.42.0.0\/16 own 10.42.8.0\/24(,|$)/);
      assert.equal((ruleset(world, kind).match(/random/g) ?? []).length, 0);
      await put();
      assert.deepEqual(await standing(), STANDS);
    });

    for (const [what, damage] of Object.entries(damages(kind))) {
      it(`is seen to be changed when another hand ${what}, and is put right (${kind})`, async () => {
        const world = enter(kind);
        await put();
        const right = ruleset(world, kind);
        damage(world);
        assert.notDeepEqual(await standing(), STANDS);
        await put();
        assert.deepEqual(await standing(), STANDS);
        assert.equal(ruleset(world, kind), right);
      });
    }
  }

  const REFUSAL = '*random*) echo "Error: not supported" >&2; exit 1;; esac';
  const REFUSING = {
    nftables: { nft: `case "$*" in ${REFUSAL}\nexec "$PROGRAM" "$@"` },
    'iptables-nft': {
      iptables: 'exec "$PROGRAM" "$@"',
      'iptables-restore': `text=$(cat); case "$text" in ${REFUSAL}\necho "$text" | "$PROGRAM" "$@"`,
    },
  };
  for (const kind of ['nftables', 'iptables-nft'] as const) {
    it(`does without random ports where they are refused, and is not set again and again for it (${kind})`, async () => {
      const world = enter(kind);
      const restore = world.standIn(REFUSING[kind]);
      try {
        const filter = new PacketFilter();
        await put(WANT, filter);
        assert.deepEqual(await standing(INSTANCE, filter), STANDS, 'it is the best there is');
        assert.deepEqual(
          await standing(),
          ['masquerade 10.42.0.0/16 own 10.42.7.0/24'],
          'and who starts anew tries again',
        );
        assert.equal(world.sender('pod', '192.0.2.2', 'outside'), '192.0.2.1');
      } finally {
        restore();
      }
    });
  }

  it('is not set again and again where nft shows it in words that nobody here knows', async () => {
    const world = enter('nftables');
    const restore = world.standIn({ nft: '"$PROGRAM" "$@" | sed "s/masquerade/disguise/g"' });
    try {
      const filter = new PacketFilter();
      await put(WANT, filter);
      assert.deepEqual(await standing(INSTANCE, filter), STANDS);
      world.nft(`flush chain ip weft_masq_${INSTANCE} postrouting`);
      assert.notDeepEqual(await standing(INSTANCE, filter), STANDS, 'a change is seen all the same');
    } finally {
      restore();
    }
  });

  it('moves to nftables when nft comes to a host that had iptables alone', async () => {
    for (const kind of ['iptables-nft', 'iptables-legacy'] as const) {
      const old = enter(kind);
      await put();
      uncoverPrograms();
      assert.deepEqual(await standing(), [LEFT], kind);
      await put();
      assert.deepEqual(await standing(), STANDS, kind);
      assert.ok(!ruleset(old, kind).includes('WEFT-POSTRTG'), kind);
      old.close();
      world = undefined;
    }
  });

  it('is still seen, and taken back, where nft has come to a host that had iptables alone', async () => {
    for (const kind of ['iptables-nft', 'iptables-legacy'] as const) {
      const old = enter(kind);
      await put();
      uncoverPrograms();
      assert.deepEqual(await standing('89abcdef'), [], 'no other daemon takes it for its own');
      assert.deepEqual(await standing(), [LEFT], kind);
      await remove();
      assert.deepEqual(await standing(), [], kind);
      assert.ok(!ruleset(old, kind).includes('WEFT-POSTRTG'), kind);
      old.close();
      world = undefined;
    }
  });

  it('fails, and says what is missing, where neither nft nor iptables is installed', async () => {
    enter('iptables-legacy');
    hidePrograms('/usr/sbin/xtables-legacy-multi');
    assert.deepEqual(await standing(), []);
    await assert.rejects(put(), { code: 'KERNEL_UNSUPPORTED', message: /neither nft nor iptables is installed/ });
    await remove();
  });
});

type Damage = (world: MasqueradeWorld) => void;

function damages(kind: Kind): Readonly<Record<string, Damage>> {
  if (kind === 'nftables') {
    const table = `ip weft_masq_${INSTANCE}`;
    const chain = `${table} postrouting`;
    return {
      'deletes the table': (world) => world.nft(`delete table ${table}`),
      'flushes the chain': (world) => world.nft(`flush chain ${chain}`),
      'deletes a rule': (world) => world.nft(`delete rule ${chain} handle ${handles(world)[2]}`),
      'adds a rule': (world) => world.nft(`insert rule ${chain} ip daddr 192.0.2.2 accept`),
      'changes a rule': (world) =>
        world.nft(`replace rule ${chain} handle ${handles(world)[4]} ip saddr 10.42.0.0/16 masquerade`),
      'adds a chain that hides ours': (world) =>
        world.nft(`add chain ${table} first { type nat hook postrouting priority 50; }`),
      'puts the table to sleep': (world) => world.nft(`add table ${table} { flags dormant; }`),
    };
  }
  const iptables = (line: string) => (): void => void run(kind, '-t', 'nat', ...line.split(' '));
  const chain = `WEFT-POSTRTG-${INSTANCE}`;
  return {
    'flushes the chain': iptables(`-F ${chain}`),
    'deletes a rule': iptables(`-D ${chain} 3`),
    'adds a rule': iptables(`-I ${chain} -d 192.0.2.2 -j ACCEPT`),
    'changes a rule': iptables(`-R ${chain} 5 -s 10.42.0.0/16 -j MASQUERADE`),
    'deletes the jump': iptables(`-D POSTROUTING 1`),
    'narrows the jump': iptables(`-R POSTROUTING 1 -o outside -m comment --comment x -j ${chain}`),
    'doubles the jump': iptables(`-A POSTROUTING -j ${chain}`),
  };
}

const handles = (world: MasqueradeWorld): string[] =>
  [...world.nft(`-a list chain ip weft_masq_${INSTANCE} postrouting`).matchAll(/comment.*# handle (\d+)/g)].map(
    ([, handle = '']) => handle,
  );
