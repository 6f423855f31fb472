/** Passes over a host in memory, of a small cluster. */
import { parseAddress } from '../../src/core/address.ts';
import type { Lease, LeaseView } from '../../src/core/lease.ts';
import type { Self } from '../../src/datapath/datapath.ts';
import { HostPasses, type PassInput } from '../../src/reconcile/host-pass.ts';
import type { PassReport } from '../../src/reconcile/pass-report.ts';
import { FakeHost } from '../fakes/fake-host.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { lease, selfAt, uplinkAt, vxlanAt } from '../datapath/cluster.ts';
import { chooseFirst } from '../datapath/choose-first.ts';

export const MINE = lease('10.42.1.0/24', '192.168.0.1', { weft: vxlanAt('me'), epoch: 1 });
export const SELF: Self = selfAt(
  { Network: '10.42.0.0/16', Backend: { Type: 'vxlan', DirectRouting: true } },
  MINE,
  uplinkAt('192.168.0.1'),
);
const SIGNAL = new AbortController().signal;

export const freshHost = (): FakeHost =>
  new FakeHost({
    name: 'eth0',
    addresses: [{ address: parseAddress('192.168.0.1'), prefixLength: 24 }],
    mtuBytes: 1500,
  });

export const viewOf = (leases: Iterable<Lease>): LeaseView => ({
  revision: '1',
  config: undefined,
  leases: new Map([...leases].map((one) => [one.key, one])),
  expired: new Set(),
  skipped: [],
  findings: [],
});

export function inputOf(leases: Iterable<Lease>, changed: PassInput['changed'] = 'all', self = SELF): PassInput {
  return {
    self,
    view: viewOf(leases),
    changed,
    files: [],
    previousNetworks: [],
    answering: new Set(),
    choose: chooseFirst,
    dryRun: false,
  };
}

export const SEVERAL = [
  MINE,
  lease('10.42.2.0/24', '192.168.0.2', { weft: vxlanAt('two'), epoch: 2 }),
  lease('10.42.3.0/24', '192.168.7.3', { weft: vxlanAt('three'), epoch: 3 }),
];

export async function passes(
  host = freshHost(),
  clock = new ManualClock(),
): Promise<{ host: FakeHost; pass: (input: PassInput) => Promise<PassReport> }> {
  const made = new HostPasses({ host, clock });
  return { host, pass: (input) => made.pass(input, SIGNAL) };
}
