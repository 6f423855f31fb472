import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { enterOwnNetworkNamespace, hidePrograms, NEEDS_ROOT } from './own-network-namespace.ts';
import { iptables, legacy, look, NETWORK, nft, OTHER, put, remove, run, seen, startDocker } from './packet-filter.ts';

describe('a chain of nftables that others keep', { skip: NEEDS_ROOT }, () => {
  beforeEach(enterOwnNetworkNamespace);
  const chain = (rule: string, policy = 'accept'): void =>
    nft(
      'add table inet guard',
      `add chain inet guard through { type filter hook forward priority 10; policy ${policy}; }`,
      ...(rule === '' ? [] : [rule]),
    );
  const ADVICE = 'It is not ours to change; let them pass in the configuration of the firewall that made it, or: ';

  it('is reported when its policy drops, and left as it is', async () => {
    chain('', 'drop');
    const before = run('nft', 'list', 'ruleset');
    await put(NETWORK);
    assert.equal(run('nft', 'list', 'ruleset'), before);
    assert.deepEqual(await seen(NETWORK), [
      'accept 10.42.0.0/16',
      `FORWARD_DROPS nftables chain inet guard through drops forwarded packets of 10.42.0.0/16 (policy drop). ${ADVICE}` +
        'nft insert rule inet guard through ip saddr 10.42.0.0/16 accept; nft insert rule inet guard through ip daddr 10.42.0.0/16 accept ' +
        '(iifname and oifname make the rules narrower)',
    ]);
  });

  it('is reported with the devices of the rule that drops', async () => {
    chain('add rule inet guard through iifname "eth0" oifname { "cni0", "docker0" } counter drop');
    assert.deepEqual(await seen(NETWORK), [
      'accept 10.42.0.0/16',
      'FORWARD_DROPS nftables chain inet guard through drops forwarded packets of 10.42.0.0/16 ' +
        `(the rule "iifname "eth0" oifname { "cni0", "docker0" } drop"). ${ADVICE}` +
        'nft insert rule inet guard through iifname "eth0" oifname { "cni0", "docker0" } ip saddr 10.42.0.0/16 accept; ' +
        'nft insert rule inet guard through iifname "eth0" oifname { "cni0", "docker0" } ip daddr 10.42.0.0/16 accept',
    ]);
  });

  it('is no longer reported once the rules that we asked for are there', async () => {
    chain('add rule inet guard through reject');
    const [, report = ''] = await seen(NETWORK);
    for (const command of report.matchAll(/nft (insert rule [^;(]+)/g)) nft(command[1] ?? '');
    assert.deepEqual(await seen(NETWORK), ['accept 10.42.0.0/16']);
    assert.equal((await seen(NETWORK, OTHER)).length, 3, 'the other network is still dropped');
  });

  it('is not reported for drops that mean something else, nor where a chain it calls accepts', async () => {
    chain('add rule inet guard through tcp dport 25 drop', 'accept');
    assert.deepEqual(await seen(NETWORK), ['accept 10.42.0.0/16']);
    nft('add chain inet guard zones', 'add rule inet guard through jump zones', 'add rule inet guard through drop');
    assert.equal((await seen(NETWORK)).length, 2);
    nft(
      'add rule inet guard zones ip saddr 10.42.0.0/16 accept',
      'add rule inet guard zones ip daddr 10.42.0.0/16 accept',
    );
    assert.deepEqual(await seen(NETWORK), ['accept 10.42.0.0/16']);
  });

  it('is not reported where packets are sorted by zone and a rule names the Network', async () => {
    chain('add rule inet guard through reject with icmpx admin-prohibited');
    nft('add chain inet guard trusted', 'add rule inet guard trusted accept');
    nft('insert rule inet guard through ip saddr 10.42.0.0/16 oifname "eth0" jump trusted');
    assert.deepEqual(await seen(NETWORK), ['accept 10.42.0.0/16']);
  });

  it('is of no concern at another hook or in another family', async () => {
    nft('add table inet guard', 'add chain inet guard in { type filter hook input priority 0; policy drop; }');
    nft('add table ip6 guard', 'add chain ip6 guard through { type filter hook forward priority 0; policy drop; }');
    nft(
      'add table bridge guard',
      'add chain bridge guard through { type filter hook forward priority 0; policy drop; }',
    );
    assert.deepEqual(await seen(NETWORK), ['accept 10.42.0.0/16']);
  });
});

describe('a host without the usual programs', { skip: NEEDS_ROOT }, () => {
  beforeEach(enterOwnNetworkNamespace);

  it('without iptables has iptables’ own chains changed by nft', async () => {
    iptables('-P FORWARD DROP');
    hidePrograms('/usr/sbin/xtables-nft-multi', '/usr/sbin/xtables-legacy-multi');
    nft(
      'insert rule ip filter FORWARD ip saddr 10.42.7.7 drop',
      'add rule ip filter FORWARD oifname "eth9" counter reject',
    );
    assert.deepEqual(await seen(NETWORK), []);
    await put(NETWORK);
    await put(OTHER);
    assert.deepEqual(await seen(NETWORK), ['accept 10.42.0.0/16']);
    const lines = (): string[] =>
      run('nft', 'list', 'chain', 'ip', 'filter', 'FORWARD')
        .replaceAll(/counter packets \d+ bytes \d+ /g, '')
        .split('\n')
        .slice(3, -3)
        .map((line) => line.trim());
    const accepts = (network: string): string[] =>
      ['daddr', 'saddr'].map((field) => `ip ${field} ${network} accept comment "weft forward"`);
    assert.deepEqual(lines(), [
      'ip saddr 10.42.7.7 drop',
      ...accepts('10.42.0.0/16').toReversed(),
      ...accepts('10.43.0.0/16').toReversed(),
      'oifname "eth9" reject',
    ]);
    await remove(NETWORK);
    assert.deepEqual(await seen(NETWORK, OTHER), ['accept 10.43.0.0/16']);
  });

  it('has a table that iptables refuses to read changed by nft', async () => {
    startDocker(iptables);
    nft('add rule ip filter FORWARD meta cgroup 7 accept');
    await put(NETWORK);
    assert.deepEqual(await seen(NETWORK), ['accept 10.42.0.0/16']);
    await remove(NETWORK);
    assert.deepEqual(await seen(NETWORK), []);
  });

  it('without nft has the rules of iptables seen and changed', async () => {
    hidePrograms('/usr/sbin/nft');
    assert.deepEqual(await seen(NETWORK), ['accept 10.42.0.0/16']);
    startDocker(iptables);
    assert.deepEqual(await seen(NETWORK), []);
    await put(NETWORK);
    assert.deepEqual(await seen(NETWORK), ['accept 10.42.0.0/16']);
  });

  it('with neither says that it cannot see, and goes on', async () => {
    hidePrograms('/usr/sbin/nft', '/usr/sbin/xtables-nft-multi', '/usr/sbin/xtables-legacy-multi');
    assert.deepEqual(await seen(NETWORK), [
      'accept 10.42.0.0/16',
      'FORWARD_DROPS cannot see whether forwarded packets are dropped: neither nft nor iptables is installed',
    ]);
    await put(NETWORK);
    await remove(NETWORK);
  });

  it('with a table of old iptables and nothing to read it says so', async () => {
    legacy('-P FORWARD DROP');
    hidePrograms('/usr/sbin/xtables-legacy-multi');
    assert.deepEqual(await seen(NETWORK), [
      'accept 10.42.0.0/16',
      'FORWARD_DROPS cannot see whether forwarded packets are dropped: the kernel has a filter table of iptables-legacy, which is not installed',
    ]);
  });

  it('is not asked at all when no range is', async () => {
    hidePrograms('/usr/sbin/nft', '/usr/sbin/xtables-nft-multi');
    assert.deepEqual(await seen(), []);
  });

  it('says that it was stopped when it was', async () => {
    await assert.rejects(look({ accepts: [NETWORK] }, AbortSignal.abort()), { code: 'ABORTED' });
  });
});
