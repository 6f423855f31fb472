/** Lets an ordinary user run a test of the kernel as root of a user namespace, where the system allows those. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';

/**
 * False: we are root, go on. `done`: the whole file ran, and was judged, in a process of its own. Else why neither is possible here.
 * @param file the test file that asks
 */
export function asRootOfOwnNamespace(file: string): false | 'done' | string {
  if (process.getuid?.() === 0) return false;
  const probe = spawnSync('unshare', ['-Urnm', 'ip', 'link', 'set', 'lo', 'up'], { encoding: 'utf8' });
  if (probe.status !== 0) return `needs root, or user namespaces: ${(probe.error?.message ?? probe.stderr).trim()}`;
  it('runs as root of a user namespace', () => {
    // The test runner's own variables would make the inner one speak its binary protocol.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const inner = spawnSync(
      'unshare',
      ['-Urnm', process.execPath, '--enable-source-maps', '--test-reporter=tap', file],
      { encoding: 'utf8', env },
    );
    assert.equal(inner.status, 0, inner.stdout + inner.stderr);
  });
  return 'done';
}
