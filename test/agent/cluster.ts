/** Whole agents over one store in memory, each on a host in memory, all on one clock that the test moves. */
import { Agent } from '../../src/agent/agent.ts';
import type { AgentEnd, AgentOptions, AgentParts, CloudParts } from '../../src/agent/agent-parts.ts';
import type { NodeState, OtherInstance, RememberedState } from '../../src/contracts/node-state.ts';
import type { Supervisor } from '../../src/contracts/supervisor.ts';
import { parseAddress } from '../../src/core/address.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { HostFile } from '../../src/core/host-entry.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { encodeLeaseValue } from '../../src/core/lease-value.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { FakeExtension } from '../fakes/fake-extension.ts';
import { FakeHost } from '../fakes/fake-host.ts';
import { FakeProbe, FakeProbeNetwork } from '../fakes/fake-probe.ts';
import { ListLog } from '../fakes/list-log.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork, unreachable, type MemoryCall } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import './loaded.ts';

/** So little to ask by that traffic is watched: days pass quickly then. */
export const CONFIG: JsonValue = {
  Network: '10.42.0.0/16',
  Backend: { Type: 'vxlan', DirectRouting: true },
  Weft: { Probe: { IdleBudget: 2 } },
};

export const HOUR_MS = 3_600_000;

/** As a subnet.env that was found at the start wishes for 10.42.N.0/24. */
export const withSubnet = (n: number): Pick<AgentOptions, 'subnetFromFile'> => ({
  subnetFromFile: parseSubnet(`10.42.${n}.0/24`),
});

/** What a store that is away does. */
export const away = (): never => {
  throw unreachable();
};

/** a and b share a segment, c is elsewhere; subnets 10.42.1.0/24, .2 and .3. */
export async function three(): Promise<{ cluster: Cluster; a: Member; b: Member; c: Member }> {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1', withSubnet(1)).start();
  const b = cluster.member('b', '192.168.0.2', withSubnet(2)).start();
  const c = cluster.member('c', '192.168.7.3', withSubnet(3)).start();
  await cluster.pass(1000);
  await cluster.prove();
  return { cluster, a, b, c };
}

export class FakeState implements NodeState {
  remembered: RememberedState;
  writes = 0;
  fail: WeftError | undefined;

  constructor(node: string) {
    this.remembered = { node: parseNodeId(node), incarnation: 0 };
  }

  async remember(changes: Partial<RememberedState>): Promise<void> {
    if (this.fail !== undefined) throw this.fail;
    this.writes += 1;
    this.remembered = { ...this.remembered, ...changes };
  }
}

export class Cluster {
  readonly clock = new ManualClock(1_000_000);
  readonly network = new MemoryNetwork(this.clock);
  readonly probes = new FakeProbeNetwork();
  /** A person at the store. */
  readonly store = new MemoryStore(this.network, this.clock, new SeededRandom(99));
  readonly members: Member[] = [];
  readonly seed: number;

  constructor(config: JsonValue | undefined = CONFIG, seed = 1) {
    this.seed = seed;
    if (config !== undefined) this.network.config = { text: JSON.stringify(config), version: 'first' };
  }

  /** A host at 192.168.SEGMENT.N. */
  member(name: string, address: string, options: Partial<AgentOptions> = {}): Member {
    const member = new Member(this, name, address, options);
    this.members.push(member);
    return member;
  }

  async writeConfig(config: JsonValue | string): Promise<void> {
    await this.store.writeConfig(
      typeof config === 'string' ? config : JSON.stringify(config),
      undefined,
      new AbortController().signal,
    );
    await this.settle();
  }

  /** Everybody does what there is to do, without time going on more than passes need. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 4; turn++) {
      for (let i = 0; i < 8; i++) await this.clock.advance(0);
      await this.clock.advance(100);
    }
  }

  async pass(ms: number): Promise<void> {
    await this.settle();
    await this.clock.advance(ms);
    await this.settle();
  }

  /** Three good probes, and one more: what the list likes best is in use. */
  async prove(): Promise<void> {
    for (let probe = 0; probe < 4; probe++) await this.pass(1000);
  }

  /** The leases as they are stored, sorted. */
  get leases(): string {
    return [...this.network.leases.values()]
      .map(({ lease }) => `${lease.key} epoch ${lease.epoch} ${encodeLeaseValue(lease.attributes)}`)
      .toSorted()
      .join('\n');
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
  }
}

export class Member {
  readonly cluster: Cluster;
  readonly name: string;
  readonly host: FakeHost;
  readonly extension = new FakeExtension();
  readonly state: FakeState;
  readonly options: AgentOptions;
  log = new ListLog();
  /** Writes that this member's store calls made, and the calls in order. */
  readonly calls: MemoryCall[] = [];
  /** Why the store fails for this member alone. */
  storeFails: (() => void) | undefined;
  guardFiles: readonly HostFile[] = [];
  guardFindings: readonly Finding[] = [];
  cloud: CloudParts | undefined;
  supervisor: Supervisor | undefined;
  tunnelCounters: AgentParts['tunnelCounters'];
  /** Other daemons of its host. */
  others: readonly OtherInstance[] = [];
  agent: Agent | undefined;
  end: AgentEnd | WeftError | undefined;
  #probe: FakeProbe | undefined;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(cluster: Cluster, name: string, address: string, options: Partial<AgentOptions>) {
    this.cluster = cluster;
    this.name = name;
    this.host = new FakeHost({
      name: 'eth0',
      addresses: [{ address: parseAddress(address), prefixLength: 24 }],
      mtuBytes: 1500,
      gateway: parseAddress(address.replace(/\d+$/, '254')),
    });
    this.state = new FakeState(name);
    this.options = {
      uplink: { interfaces: [], patterns: [] },
      subnetFile: '/run/flannel/subnet.env',
      subnetFromFile: undefined,
      ipMasq: false,
      ipMasqFullyRandom: true,
      acceptForwarded: true,
      firewallResyncMs: 5000,
      health: undefined,
      flannelHealth: undefined,
      renewMarginMs: HOUR_MS,
      controlSocket: undefined,
      allowExtension: true,
      allowRenumber: false,
      resyncMs: 3_600_000,
      drainWaitMs: 12_000,
      version: '0.1.0',
      storeKind: 'memory',
      ...options,
    };
  }

  /** Starts the daemon, as a new process would on this host. */
  start(changes: Partial<AgentOptions> = {}): this {
    const { cluster } = this;
    const { network, clock } = cluster;
    this.state.remembered = { ...this.state.remembered, incarnation: this.state.remembered.incarnation + 1 };
    this.log = new ListLog();
    this.end = undefined;
    this.calls.length = 0;
    this.#stop = new AbortController();
    const seen = this.#through(network);
    const random = new SeededRandom(cluster.seed * 1000 + cluster.members.indexOf(this));
    const probe = new FakeProbe(cluster.probes, `key of ${this.name}`);
    this.#probe = probe;
    const agent = new Agent({
      store: new MemoryStore(seen, clock, random),
      records: new MemoryRecords(seen),
      host: this.host,
      extension: this.extension,
      ...(this.cloud === undefined ? {} : { cloud: this.cloud }),
      ...(this.supervisor === undefined ? {} : { supervisor: this.supervisor }),
      probe,
      state: this.state,
      instance: { id: '00000000' },
      tunnelCounters: () => this.tunnelCounters?.(),
      otherInstances: () => Promise.resolve(this.others),
      clock,
      random,
      log: this.log,
      options: { ...this.options, ...changes },
      guardFiles: () => Promise.resolve(this.guardFiles),
      guardFindings: () => this.guardFindings,
    });
    this.agent = agent;
    this.#running = agent.run(this.#stop.signal).then(
      (end) => void (this.end = end),
      (error: unknown) => {
        if (!(error instanceof WeftError)) throw error;
        this.end = error;
      },
    );
    return this;
  }

  /** SIGTERM. A fake kernel and a fake store know no difference to a kill: nothing is given back. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#probe?.die();
  }

  /** Its machine is off: not even its kernel answers. */
  async powerOff(): Promise<void> {
    await this.stop();
    this.#probe?.off();
  }

  get subnet(): string | null | undefined {
    return this.agent?.status().subnet;
  }

  get findings(): string[] {
    return (this.agent?.status().findings ?? []).map(({ code }) => code);
  }

  /** Those that carry traffic; others stand by for probes. */
  get routes(): string[] {
    return this.host.text.split('\n').filter((line) => line.startsWith('route ') && !line.includes(' metric '));
  }

  /** Why it is not ready; empty when it is. */
  get unready(): string {
    return this.agent?.status().unready.join() ?? 'no agent';
  }

  /** How it ended, as an error's code or a word. */
  get endCode(): string {
    return this.end instanceof WeftError ? this.end.code : String(this.end?.how);
  }

  /** Paths to the peers, by subnet. */
  get paths(): string {
    return (this.agent?.status().peers ?? [])
      .map(({ subnet, path }) => `${subnet} ${path}`)
      .toSorted()
      .join('\n');
  }

  /** The member's own view of the network: what fails for it alone, fails here. */
  #through(network: MemoryNetwork): MemoryNetwork {
    const calls = this.calls;
    const check = (): void => this.storeFails?.();
    return new Proxy(network, {
      get(target, name): unknown {
        if (name === 'call') {
          const call: MemoryNetwork['call'] = async (kind, signal, work) => {
            calls.push(kind);
            return target.call(kind, signal, () => {
              check();
              return work();
            });
          };
          return call;
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
      set: (target, name, value) => Reflect.set(target, name, value, target),
    });
  }
}
