/** What a running daemon keeps beside its lease and its loop: routes of the cloud, probes, the question of rivals, and others' expired leases. */
import type { LeaseView } from '../core/lease.ts';
import type { Self } from '../datapath/datapath.ts';
import type { AgentParts } from './agent-parts.ts';
import type { CloudKeeper } from './cloud-keeper.ts';
import type { CloudKeeperParts } from './cloud-keeper-parts.ts';
import { ExpiredLeases } from './expired-leases.ts';
import { FirewallLooks } from './firewall-looks.ts';
import type { Findings } from './findings.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import type { Changed } from './loop.ts';
import { Prober } from './prober.ts';
import { Rivals } from './rivals.ts';
import type { Started } from './start.ts';

export interface Begun extends Started {
  /** Loaded where this host is in a cloud, once subnet.env is written; undefined: in none. */
  readonly cloudKeeper: typeof CloudKeeper | undefined;
}

export interface Companions {
  /** Undefined: this host is in no cloud. */
  readonly cloud: CloudKeeper | undefined;
  readonly prober: Prober;
  readonly rivals: Rivals;
  readonly expired: ExpiredLeases;
  readonly firewall: FirewallLooks;
}

export interface CompanionHooks {
  readonly keeper: Pick<LeaseKeeper, 'mayWriteRoutes' | 'reassert'>;
  readonly self: () => Self;
  /** Undefined before the first. */
  readonly view: () => LeaseView | undefined;
  readonly wake: (changed: Changed) => void;
  /** As `wake` for all, once there is something to make a pass from. */
  readonly wakeAll: () => void;
}

export function companions(
  { cloud: opened, store, records, probe, clock, random, log, state, options }: AgentParts,
  { cloudSelf, self: begun, incarnation, cloudKeeper: Keeper }: Begun,
  findings: Findings,
  { keeper, self, view, wake, wakeAll }: CompanionHooks,
): Companions {
  const { node } = state.remembered;
  const tools = { clock, random, log, findings };
  const ofCloud: Omit<CloudKeeperParts, 'cloud'> = {
    ...tools,
    records,
    node,
    sources: () => {
      const { config, lease, uplink } = self();
      return { config, lease, address: uplink.address, view: view() };
    },
    mayWrite: (deadlineMs, signal) => keeper.mayWriteRoutes(deadlineMs, signal),
    onChange: wakeAll,
  };
  const cloud =
    opened &&
    Keeper &&
    new Keeper({ ...ofCloud, cloud: opened.network }, { self: cloudSelf, table: begun.cloud?.table });
  const doubt = (): void => cloud?.doubt();
  const prober = new Prober({ ...tools, probe, node, incarnation, self, view, wake, doubt });
  const reassert = (): void => keeper.reassert();
  const rivals = new Rivals({ ...tools, records, node, incarnation, reassert, onAlone: wakeAll });
  const expired = new ExpiredLeases({
    ...tools,
    store,
    own: () => self().lease,
    answering: () => prober.choices.answering,
  });
  const firewall = new FirewallLooks({ clock, everyMs: options.firewallResyncMs, wake });
  return { cloud, prober, rivals, expired, firewall };
}
