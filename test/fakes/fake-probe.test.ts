import { baseOf } from '../../src/core/subnet.ts';
import { pathProbeContract } from '../contract/path-probe.ts';
import { otherOf, SUBNETS, type ProbeWorld } from '../contract/probe-world.ts';
import { FakeProbe, FakeProbeNetwork } from './fake-probe.ts';

function fakeWorld(): Promise<ProbeWorld> {
  const network = new FakeProbeNetwork();
  const near = new FakeProbe(network, 'near’s key');
  const far = new FakeProbe(network, 'far’s key');
  return Promise.resolve({
    near,
    far,
    async cut(from, path) {
      network.cut(baseOf(SUBNETS[from]), path);
    },
    async mend(from, path) {
      network.mend(baseOf(SUBNETS[from]), path);
    },
    async traffic(from) {
      (from === 'near' ? near : far).traffic?.add(SUBNETS[otherOf(from)]);
    },
    settle: () => new Promise((resolve) => setImmediate(resolve)),
    async close() {},
  });
}

pathProbeContract('a fake', fakeWorld);
