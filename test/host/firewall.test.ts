import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { before, beforeEach, describe, it } from 'node:test';
import { describeHostEntry } from '../../src/core/host-entry.ts';
import { findProgram } from '../../src/host/program.ts';
import { enterOwnNetworkNamespace, NEEDS_ROOT } from './own-network-namespace.ts';
import {
  DOCKER,
  iptables,
  legacy,
  look,
  NETWORK,
  nft,
  OTHER,
  ours,
  put,
  remove,
  rules,
  run,
  seen,
  startDocker,
} from './packet-filter.ts';

describe('forwarded packets of the Network', { skip: NEEDS_ROOT }, () => {
  before(() => {
    const missing = ['nft', 'iptables-nft', 'iptables-legacy', 'ip', 'ping'].filter(
      (name) => findProgram(name) === undefined,
    );
    assert.deepEqual(
      missing,
      [],
      'as root these tests must run: install nftables, iptables, iproute2 and iputils-ping',
    );
  });
  beforeEach(enterOwnNetworkNamespace);

  it('count as accepted where nothing drops, and looking leaves nothing behind', async () => {
    assert.deepEqual(await seen(NETWORK), ['accept 10.42.0.0/16']);
    await put(NETWORK);
    await remove(NETWORK);
    assert.equal(run('nft', 'list', 'ruleset'), '');
    assert.equal(readFileSync('/proc/thread-self/net/ip_tables_names', 'utf8'), '');
  });

  for (const [kind, program] of [
    ['nft', iptables],
    ['legacy', legacy],
  ] as const) {
    it(`are accepted where Docker drops (iptables-${kind}), and no more when it is taken back`, async () => {
      startDocker(program);
      assert.deepEqual(await seen(NETWORK), []);
      await put(NETWORK);
      assert.deepEqual(await seen(NETWORK), ['accept 10.42.0.0/16']);
      const standing = [...DOCKER, ...ours('DOCKER-USER', '10.42.0.0/16')];
      assert.deepEqual(rules(program), standing);
      await put(NETWORK);
      assert.deepEqual(rules(program), standing, 'a second time changes nothing');
      await remove(NETWORK);
      await remove(NETWORK);
      assert.deepEqual(rules(program), DOCKER);
    });

    it(`are accepted where the policy of FORWARD drops (iptables-${kind}), below what an administrator forbids`, async () => {
      program('-P FORWARD DROP');
      program('-A FORWARD -s 10.42.7.7 -j DROP');
      await put(NETWORK);
      const forbidden = ['-P FORWARD DROP', '-A FORWARD -s 10.42.7.7/32 -j DROP'];
      assert.deepEqual(rules(program), [...forbidden, ...ours('FORWARD', '10.42.0.0/16')]);
      await remove(NETWORK);
      assert.deepEqual(rules(program), forbidden);
    });

    it(`are accepted below what an operator forbids in DOCKER-USER (iptables-${kind})`, async () => {
      startDocker(program);
      for (const words of [
        '-i eth0 ! -s 198.51.100.0/24 -j DROP',
        '-d 10.0.0.0/8 -j RETURN',
        '-p tcp --dport 25 -j DROP',
        '-j RETURN',
      ])
        program(`-A DOCKER-USER ${words}`);
      await put(NETWORK);
      assert.deepEqual(await seen(NETWORK), ['accept 10.42.0.0/16']);
      const [source, destination] = ours('DOCKER-USER', '10.42.0.0/16').toSorted().toReversed();
      assert.deepEqual(rules(program), [
        ...DOCKER,
        '-A DOCKER-USER ! -s 198.51.100.0/24 -i eth0 -j DROP',
        destination,
        '-A DOCKER-USER -d 10.0.0.0/8 -j RETURN',
        '-A DOCKER-USER -p tcp -m tcp --dport 25 -j DROP',
        source,
        '-A DOCKER-USER -j RETURN',
      ]);
    });

    it(`of two daemons do not touch each other’s rules (iptables-${kind})`, async () => {
      program('-P FORWARD DROP');
      program('-A FORWARD -s 10.42.0.0/16 -m comment --comment theirs -j ACCEPT');
      await put(NETWORK);
      await put(OTHER);
      assert.deepEqual(await seen(NETWORK, OTHER), ['accept 10.42.0.0/16', 'accept 10.43.0.0/16']);
      await remove(NETWORK);
      assert.deepEqual(await seen(NETWORK, OTHER), ['accept 10.43.0.0/16']);
      assert.deepEqual(rules(program), [
        '-P FORWARD DROP',
        '-A FORWARD -s 10.42.0.0/16 -m comment --comment theirs -j ACCEPT',
        ...ours('FORWARD', '10.43.0.0/16'),
      ]);
    });

    it(`are accepted anew above a drop that somebody put above ours (iptables-${kind}), without heaping up rules`, async () => {
      program('-P FORWARD DROP');
      await put(NETWORK);
      program('-I FORWARD -j DROP');
      assert.deepEqual(await seen(NETWORK), []);
      await put(NETWORK);
      assert.deepEqual(rules(program), ['-P FORWARD DROP', ...ours('FORWARD', '10.42.0.0/16'), '-A FORWARD -j DROP']);
    });
  }

  it('are not ours to accept when they shall not be: what is left of ours is seen, and nothing else is', async () => {
    const left = async (): Promise<string[]> =>
      (await look({ formerAccepts: [NETWORK] })).entries.map(describeHostEntry);
    assert.deepEqual(await left(), []);
    iptables('-P FORWARD DROP');
    iptables('-A FORWARD -s 10.42.0.0/16 -m comment --comment theirs -j ACCEPT');
    assert.deepEqual(await left(), []);
    await put(NETWORK);
    assert.deepEqual(await left(), ['accept forwarded 10.42.0.0/16']);
    await remove(NETWORK);
    assert.deepEqual(await left(), []);
  });

  it('are accepted in both kinds of iptables where both drop', async () => {
    startDocker(iptables);
    legacy('-P FORWARD DROP');
    await put(NETWORK);
    assert.deepEqual(rules(iptables), [...DOCKER, ...ours('DOCKER-USER', '10.42.0.0/16')]);
    assert.deepEqual(rules(legacy), ['-P FORWARD DROP', ...ours('FORWARD', '10.42.0.0/16')]);
    legacy('-F FORWARD');
    assert.deepEqual(await seen(NETWORK), []);
  });

  it('are seen as dropped again after “nft flush ruleset” and Docker’s return, and put back', async () => {
    startDocker(iptables);
    await put(NETWORK);
    nft('flush ruleset');
    assert.deepEqual(await seen(NETWORK), ['accept 10.42.0.0/16'], 'nothing is there that could drop');
    startDocker(iptables);
    assert.deepEqual(await seen(NETWORK), []);
    await put(NETWORK);
    assert.deepEqual(await seen(NETWORK), ['accept 10.42.0.0/16']);
  });

  it('are accepted in Docker’s chain when Docker comes after us; our rule in FORWARD stays until it is taken back', async () => {
    iptables('-P FORWARD DROP');
    await put(NETWORK);
    for (const chain of ['DOCKER', 'DOCKER-USER']) iptables(`-N ${chain}`);
    for (const chain of ['DOCKER', 'DOCKER-USER']) iptables(`-I FORWARD -j ${chain}`);
    iptables('-A DOCKER -j DROP');
    assert.deepEqual(await seen(NETWORK), []);
    await put(NETWORK);
    assert.deepEqual(await seen(NETWORK), ['accept 10.42.0.0/16']);
    await remove(NETWORK);
    assert.deepEqual(rules(iptables), ['-P FORWARD DROP', '-A FORWARD -j DOCKER-USER', '-A FORWARD -j DOCKER']);
  });

  it('are left as they are where the program that shows them fails, and its words are reported', async () => {
    iptables('-P FORWARD DROP');
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weft-broken-'));
    const before = process.env['PATH'];
    try {
      writeFileSync(path.join(folder, 'nft'), '#!/bin/sh\necho "cannot parse the ruleset" >&2; exit 1\n', {
        mode: 0o755,
      });
      process.env['PATH'] = `${folder}:${before}`;
      const { entries, findings } = await look({ accepts: [NETWORK] });
      assert.deepEqual(entries.map(describeHostEntry), ['accept forwarded 10.42.0.0/16']);
      assert.match(
        findings[0]?.message ?? '',
        /cannot see whether forwarded packets are dropped: .*cannot parse the ruleset/,
      );
    } finally {
      process.env['PATH'] = before;
      rmSync(folder, { recursive: true });
    }
  });

  it('pass through the kernel in both directions', async () => {
    const hosts = ['1', '2'].map((n) => ({ n, name: `weft-fw-${process.pid}-${n}` }));
    try {
      for (const { n, name } of hosts) {
        run('ip', 'netns', 'add', name);
        run('ip', 'link', 'add', `host${n}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
        run('ip', 'address', 'add', `10.42.${n}.1/24`, 'dev', `host${n}`);
        run('ip', 'link', 'set', `host${n}`, 'up');
        run('ip', '-n', name, 'address', 'add', `10.42.${n}.2/24`, 'dev', 'eth0');
        run('ip', '-n', name, 'link', 'set', 'eth0', 'up');
        run('ip', '-n', name, 'route', 'add', 'default', 'via', `10.42.${n}.1`);
      }
      run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
      startDocker(iptables);
      /** @param seconds to wait for an answer that shall not come, or may be late */
      const ping = (from: string, to: string, seconds: number): number | null =>
        spawnSync('ip', ['netns', 'exec', from, 'ping', '-c1', `-W${seconds}`, to]).status;
      const [left = '', right = ''] = hosts.map((host) => host.name);
      assert.deepEqual([ping(left, '10.42.2.2', 0.5), ping(right, '10.42.1.2', 0.5)], [1, 1]);
      await put(NETWORK);
      assert.deepEqual([ping(left, '10.42.2.2', 20), ping(right, '10.42.1.2', 20)], [0, 0]);
    } finally {
      for (const { name } of hosts) run('ip', 'netns', 'delete', name);
    }
  });
});
