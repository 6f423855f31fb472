import type { ProbeTarget } from '../../src/contracts/path-probe.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import type { PathName } from '../../src/core/path.ts';
import { baseOf, parseSubnet, type Subnet } from '../../src/core/subnet.ts';
import { FakeProbeNet } from '../fakes/fake-probe.ts';
import { pathProbeContract, type ProbeWorld } from './path-probe.ts';

const [one, two, three] = [parseSubnet('10.42.1.0/24'), parseSubnet('10.42.2.0/24'), parseSubnet('10.42.3.0/24')];

async function fakeWorld(): Promise<ProbeWorld> {
  const net = new FakeProbeNet();
  const mine = net.join(one);
  const peer = net.join(two);
  net.joinPlain(three);
  const weft = (name: string, subnet: Subnet, path: PathName): ProbeTarget => ({
    node: parseNodeId(name),
    subnet,
    base: baseOf(subnet),
    path,
    responder: { key: name, port: 8286 },
  });
  return {
    mine,
    peer,
    paths: ['direct', 'vxlan'],
    target: (path) => weft('peer', two, path),
    self: (path) => weft('mine', one, path),
    plain: (path) => ({ node: undefined, subnet: three, base: baseOf(three), path }),
    breakPath: async (direction, path) =>
      direction === 'out' ? net.breakPath(one, two, path) : net.breakPath(two, one, path),
    stopPeer: async () => net.leave(two),
    sendTraffic: async () => void mine.traffic.add(two),
    close: async () => undefined,
  };
}

pathProbeContract('a fake', fakeWorld);
