/** What a pass would change on this host now: everything is read, nothing is written, not even this host's own state. */
import { firewallWish } from '../agent/firewall-wish.ts';
import path from 'node:path';
import { subnetEnv } from '../agent/subnet-env.ts';
import { vtepMac } from '../agent/vtep-mac.ts';
import { isOfProcess } from '../core/device.ts';
import { WeftError } from '../core/errors.ts';
import { readLedger, rowsOf } from '../core/ledger.ts';
import { choose, NO_CHOICE } from '../core/path-choice.ts';
import type { Lease, LeaseView } from '../core/lease.ts';
import type { NodeId } from '../core/node-id.ts';
import { parseNetworkConfig } from '../core/parse-network-config.ts';
import { baseOf } from '../core/subnet.ts';
import type { Self } from '../datapath/datapath.ts';
import { devicesOf } from '../datapath/host-basics.ts';
import { datapathsOf } from '../datapath/paths.ts';
import type { Choose } from '../datapath/plan.ts';
import type { Clock } from '../contracts/clock.ts';
import type { RecordList } from '../contracts/records.ts';
import type { HostNetwork } from '../contracts/host-network.ts';
import { Claims } from '../host/claims.ts';
import { Extension } from '../host/extension.ts';
import { LinuxHost } from '../host/linux-host.ts';
import { networkdFiles } from '../host/networkd.ts';
import { machineNodeId } from '../host/node-identity.ts';
import { SharedHost } from '../host/shared-host.ts';
import { instanceIdOf, readState, type KnownState } from '../host/state-directory.ts';
import { HostPasses } from '../reconcile/host-pass.ts';
import { CryptoRandom } from '../system/crypto-random.ts';
import { PinoLog } from '../system/pino-log.ts';
import type { Action, Invocation } from './command.ts';
import { planCloud } from './plan-cloud.ts';
import { planOf, planText } from './plan-text.ts';
import { namedStore } from './named-store.ts';
import { storeIdentity } from './open-store.ts';
import { requireLinux, requireNetAdmin } from './require-linux.ts';
import { openCloud } from './this-cloud.ts';
import { firewallOptions, MACHINE_ID, uplinkChoice } from './this-host.ts';
import { currentView, withStore } from './with-store.ts';

export const plan: Action = async (invocation) => {
  const { options, clock, io, signal } = invocation;
  requireLinux();
  const random = new CryptoRandom();
  const cloud = await openCloud(options, { clock, random }, signal);
  requireNetAdmin();
  const planned = withStore(invocation, async ({ store, records }) => {
    const instanceKey = [await storeIdentity(namedStore(options).url)];
    const known = await readState({ directory: options.stateDir, instanceKey });
    const node = options.nodeId ?? known?.remembered.node ?? (await (cloud?.node(signal) ?? machineNodeId(MACHINE_ID)));
    const view = await currentView(store, signal);
    const lease = ownLease(view, node);
    if (lease === undefined) {
      io.out(
        options.json
          ? `${JSON.stringify({ node, subnet: null })}\n`
          : `Node ${node} has no lease. weftd run claims one first, and what it changes depends on its subnet.\n`,
      );
      return 0;
    }
    const id = known?.instance.id ?? instanceIdOf(instanceKey);
    const shared = new SharedHost(new LinuxHost(), new Claims(options.stateDir, id), 'dry run');
    const extension = new Extension(shared, path.join(options.stateDir, id), new PinoLog('warn'));
    await extension.recall();
    const { host } = extension;
    const place = cloudOf(lease, await records.list('ledger', signal));
    const firewall = firewallWish({ id }, firewallOptions(options));
    const self = { ...(await selfOf(invocation, host, { view, lease, node, known })), ...place, firewall };
    const links = devicesOf(self, datapathsOf(self.config.paths));
    const files = [subnetEnv(self, options), ...networkdFiles(id, links)];
    const input = {
      self,
      view,
      changed: 'all',
      files,
      previousNetworks: known?.remembered.previousNetworks ?? [],
      answering: new Set<never>(),
      choose: asFound(self, clock),
      dryRun: true,
    } as const;
    const [report, routes] = await Promise.all([
      new HostPasses({ host, clock }).pass(input, signal),
      cloud &&
        planCloud({ cloud: cloud.network, records, clock, random }, { config: self.config, view, lease }, signal),
    ]);
    // What a daemon does within itself is out of sight here.
    const planned = report.planned.filter((change) => !isOfProcess(change.op === 'put' ? change.want : change.was));
    const told = planOf(node, self, { ...report, planned }, routes ?? null);
    io.out(options.json ? `${JSON.stringify(told)}\n` : planText(told));
    return 0;
  });
  return planned.finally(() => cloud?.close());
};

/** As a daemon that starts now would: what stands in the kernel is kept. */
const asFound =
  ({ config }: Self, clock: Clock): Choose =>
  (_peer, usable, standing) =>
    choose(NO_CHOICE, usable, standing, config.probe.holdMs, clock.now());

/** By what the daemon has put into its lease, and the ledger says. */
function cloudOf({ attributes: { weft } }: Lease, { records }: RecordList): Pick<Self, 'cloud'> {
  if (weft?.fabric === undefined) return {};
  const rows = rowsOf(readLedger(records.values()), weft.table);
  return { cloud: { identity: weft.fabric, table: weft.table, trouble: undefined, rows } };
}

const ownLease = (view: LeaseView, node: NodeId): Lease | undefined =>
  [...view.leases.values()].find(({ attributes }) => attributes.weft?.node === node);

interface Known {
  readonly view: LeaseView;
  readonly lease: Lease;
  readonly node: NodeId;
  /** Undefined: no daemon of this store has run here. */
  readonly known: KnownState | undefined;
}

/** @throws WeftError CONFIG_MISSING, or what is wrong with the config */
async function selfOf(
  { options, signal }: Invocation,
  host: HostNetwork,
  { view, lease, node, known }: Known,
): Promise<Omit<Self, 'firewall'>> {
  if (view.config === undefined)
    throw new WeftError('CONFIG_MISSING', `there is no network config in ${namedStore(options).url}`, {
      hint: 'Write one: weftd config set -f FILE.',
    });
  const config = parseNetworkConfig(view.config.text);
  const uplink = await host.uplink(uplinkChoice(options), signal);
  const mac = vtepMac({ node, config, adopted: lease, observed: [], remembered: known?.remembered.vtepMac });
  return {
    lease,
    base: baseOf(lease.subnet.v4),
    config,
    uplink,
    vtepMac: mac,
  };
}
