import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, describe, it } from 'node:test';
import type { Sysctl } from '../../src/core/host-entry.ts';
import { applySysctl, observeSysctls } from '../../src/host/sysctls.ts';
import { enterOwnNetworkNamespace, NEEDS_ROOT } from './own-network-namespace.ts';

describe('kernel settings', { skip: NEEDS_ROOT }, () => {
  before(() => {
    enterOwnNetworkNamespace();
    execFileSync('ip', ['link', 'add', 'up.link.0', 'type', 'veth']);
  });
  const filter: Sysctl = { kind: 'sysctl', name: 'net/ipv4/conf/up.link.0/rp_filter', value: '2', link: 'up.link.0' };
  const forward: Sysctl = { kind: 'sysctl', name: 'net/ipv4/ip_forward', value: '1' };

  it('are seen as they were put, with the device whose they are', async () => {
    const names = [filter.name, forward.name];
    assert.deepEqual(
      (await observeSysctls(names)).map((each) => each.value),
      ['0', '0'],
    );
    await applySysctl({ op: 'put', want: filter });
    await applySysctl({ op: 'put', want: forward });
    assert.deepEqual(await observeSysctls(names), [filter, forward]);
  });

  it('of all devices and of the default are no device’s', async () => {
    const names = ['net/ipv4/conf/all/rp_filter', 'net/ipv4/conf/default/rp_filter', 'net/ipv6/conf/lo/mtu'];
    assert.deepEqual(
      (await observeSysctls(names)).map((each) => each.link),
      [undefined, undefined, 'lo'],
    );
  });

  it('of a device that is not there are left out, and cannot be put', async () => {
    const gone: Sysctl = { kind: 'sysctl', name: 'net/ipv4/conf/gone0/rp_filter', value: '2', link: 'gone0' };
    assert.deepEqual(await observeSysctls([gone.name]), []);
    await assert.rejects(applySysctl({ op: 'put', want: gone }), { code: 'LINK_MISSING', message: /no device gone0/ });
    await applySysctl({ op: 'remove', was: gone });
  });

  it('of IPv6 count as off where the kernel was booted without it', async () => {
    execFileSync('mount', ['-t', 'tmpfs', 'none', '/proc/sys/net/ipv6']);
    const name = 'net/ipv6/conf/weft.1/accept_ra';
    const off: Sysctl = { kind: 'sysctl', name, value: '0', link: 'weft.1' };
    assert.deepEqual(await observeSysctls([name]), [off]);
    await applySysctl({ op: 'put', want: off });
    await assert.rejects(applySysctl({ op: 'put', want: { ...off, value: '1' } }), { code: 'LINK_MISSING' });
    execFileSync('umount', ['/proc/sys/net/ipv6']);
  });

  it('that the kernel refuses name the setting and the reason', async () => {
    await assert.rejects(applySysctl({ op: 'put', want: { ...forward, value: 'maybe' } }), {
      code: 'KERNEL_REFUSED',
      message: 'cannot set sysctl net/ipv4/ip_forward to "maybe": EINVAL',
    });
  });

  it('with several numbers are read with single spaces', async () => {
    await applySysctl({ op: 'put', want: { kind: 'sysctl', name: 'net/ipv4/ping_group_range', value: '0 7' } });
    assert.equal((await observeSysctls(['net/ipv4/ping_group_range']))[0]?.value, '0 7');
  });

  it('lie below /proc/sys and nowhere else', async () => {
    for (const name of [
      'net/../../uptime',
      '../uptime',
      '/net/ipv4/ip_forward',
      'net//ipv4',
      'net',
      '',
      'net/ipv4/ip_forward\0',
      'net/./ipv4/x',
    ]) {
      await assert.rejects(
        applySysctl({ op: 'put', want: { kind: 'sysctl', name, value: '1' } }),
        { message: /expected a path below/ },
        name,
      );
      await assert.rejects(observeSysctls([name]), { message: /expected a path below/ }, name);
    }
  });
});
