import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PROBE_MARK, standbyMetric } from '../../src/core/instance.ts';
import { PATH_NAMES } from '../../src/core/path.ts';

describe('the numbers of weftd', () => {
  it('tell the routes that stand by apart by their path, and none is that of traffic', () => {
    const metrics = PATH_NAMES.map(standbyMetric);
    assert.equal(new Set(metrics).size, PATH_NAMES.length);
    assert.ok(metrics.every((metric) => metric > 0));
  });

  it('leave the mark bits of others alone: kube-proxy, CNI plugins, Cilium, AWS, and the upper half', () => {
    assert.equal(PROBE_MARK & (0x4000 | 0x8000 | 0x2000 | 0x0f00 | 0x80 | 0xffff_0000), 0);
    assert.notEqual(PROBE_MARK, 0);
  });
});
