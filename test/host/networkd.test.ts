import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { applyFile } from '../../src/host/files.ts';
import { networkdFiles, networkdFindings } from '../../src/host/networkd.ts';

/** Boot of the pretended host, in seconds since 1970. */
const BOOT = 1_700_000_000;

describe('a host of systemd-networkd', () => {
  let root: string;
  const write = (path: string, text = ''): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const namespaceOf = (process: string, name: string): void => {
    mkdirSync(join(root, `proc/${process}/ns`), { recursive: true });
    symlinkSync(name, join(root, `proc/${process}/ns/net`));
  };
  /** @param second after boot */
  const runNetworkd = (second: number, hierarchy = 'sys/fs/cgroup'): void => {
    write(`${hierarchy}/system.slice/systemd-networkd.service/cgroup.procs`, '321\n');
    write('proc/321/stat', `321 (systemd) (x) S 1 321 321 0 -1 4194560 ${'0 '.repeat(12)}${second * 100} 1 2\n`);
    write('proc/stat', `cpu 1 2 3\nbtime ${BOOT}\nprocesses 5\n`);
  };
  /** @param second after boot */
  const putFiles = async (second: number): Promise<void> => {
    for (const want of networkdFiles('0a1b2c3d', [], root)) {
      await applyFile({ op: 'put', want });
      utimesSync(want.path, BOOT + second, BOOT + second);
    }
  };

  beforeEach(() => {
    root = mkdtempSync(join(os.tmpdir(), 'weft-networkd-'));
    write('run/systemd/netif/state');
    namespaceOf('1', 'net:[4026531840]');
    namespaceOf('self', 'net:[4026531840]');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('is told to leave our routes and devices alone, in files of this instance', () => {
    assert.deepEqual(
      networkdFiles('0a1b2c3d', ['flannel.1', 'weft.7'], root).map(({ path, text }) => [path.slice(root.length), text]),
      [
        [
          '/run/systemd/networkd.conf.d/60-weft-0a1b2c3d.conf',
          "# Weft's routes stand beside those of systemd-networkd.\n[Network]\nManageForeignRoutes=no\n",
        ],
        [
          '/run/systemd/network/05-weft-0a1b2c3d.network',
          "# Weft's own devices.\n[Match]\nName=flannel.1 weft.7\n\n[Link]\nUnmanaged=yes\n",
        ],
      ],
    );
    assert.equal(networkdFiles('0a1b2c3d', [], root).length, 1);
  });

  it('gets no files when networkd never ran, or manages another network namespace', () => {
    rmSync(join(root, 'run/systemd/netif/state'));
    assert.deepEqual(networkdFiles('0a1b2c3d', ['weft.1'], root), []);
    write('run/systemd/netif/state');
    rmSync(join(root, 'proc/self'), { recursive: true });
    assert.deepEqual(networkdFiles('0a1b2c3d', ['weft.1'], root), []);
    namespaceOf('self', 'net:[4026539999]');
    assert.deepEqual(networkdFiles('0a1b2c3d', ['weft.1'], root), []);
  });

  for (const hierarchy of ['sys/fs/cgroup', 'sys/fs/cgroup/systemd']) {
    it(`is reported while the networkd that runs is older than the file (${hierarchy})`, async () => {
      runNetworkd(10, hierarchy);
      assert.deepEqual(networkdFindings('0a1b2c3d', root), [], 'nothing is written yet');
      await putFiles(60);
      assert.deepEqual(networkdFindings('0a1b2c3d', root), [
        {
          code: 'NETWORKD_RESTART',
          message: `systemd-networkd (process 321) has been running since before ${root}/run/systemd/networkd.conf.d/60-weft-0a1b2c3d.conf was written and may remove routes of ours: run "systemctl restart systemd-networkd"`,
        },
      ]);
      runNetworkd(61, hierarchy);
      assert.deepEqual(networkdFindings('0a1b2c3d', root), []);
    });
  }

  it('is not reported when networkd does not run', async () => {
    await putFiles(60);
    assert.deepEqual(networkdFindings('0a1b2c3d', root), []);
  });
});
