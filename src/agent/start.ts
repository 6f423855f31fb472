/**
 * From nothing to a lease and its subnet.env, with the fewest round trips: whoever waits for the file is waiting for containers.
 *
 *   uplink ─┐
 *   config ─┴─► own networks clear of it? ─► tunnel devices ready ─► claim ─► subnet.env
 *
 * With Backend.Type extension its commands stand on both sides of the claim.
 *
 * No list of leases is read here, so that it takes no longer in a large cluster.
 */
import type { CloudSelf } from '../contracts/cloud-network.ts';
import type { OtherInstance } from '../contracts/node-state.ts';
import type { Address } from '../core/address.ts';
import { asWeftError, isRetryable, WeftError, type ErrorCode } from '../core/errors.ts';
import { sameHostEntry } from '../core/host-entry.ts';
import type { Lease, StoredConfig } from '../core/lease.ts';
import { macFrom } from '../core/mac.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import { parseNetworkConfig } from '../core/parse-network-config.ts';
import { baseOf, type Subnet } from '../core/subnet.ts';
import type { Uplink } from '../core/uplink.ts';
import type { Receiver, Self } from '../datapath/datapath.ts';
import type { AgentParts } from './agent-parts.ts';
import { refuseCommands, refuseNat } from './backend-conditions.ts';
import { findingOf, type Findings } from './findings.ts';
import { firewallWish } from './firewall-wish.ts';
import { firstClaim, firstLook, ownDevices, previousSubnets, readyDevices } from './first-claim.ts';
import { refuseCloudOverlap, refuseFormerNetworks, refuseOtherInstances, refuseOverlap } from './network-overlap.ts';
import { patiently, type Patience } from './patiently.ts';
import { subnetEnv } from './subnet-env.ts';
import { vtepMac } from './vtep-mac.ts';

export interface Started {
  readonly self: Self;
  /** Undefined: in no cloud, or in none whose interface the uplink is. */
  readonly cloudSelf: CloudSelf | undefined;
  readonly stored: StoredConfig;
  /** My lease as it stood before, if there was one. */
  readonly adopted: Lease | undefined;
  readonly incarnation: number;
  /** When the claim was sent. */
  readonly sentAt: number;
  readonly subnetFileWritten: boolean;
  /** Networks of other daemons of this host. */
  readonly othersNetworks: readonly Subnet[];
}

/** A metadata server that takes longer to say who we are is a matter to tell of. */
const QUICK_MS = 3000;

/** A person may put these right at any time, and the daemon takes the config then. */
const HEALS: ReadonlySet<ErrorCode> = new Set([
  'CONFIG_NOT_JSON',
  'CONFIG_INVALID',
  'CONFIG_UNKNOWN_KEY',
  'UNSUPPORTED',
]);

export class StartUp {
  readonly #parts: AgentParts;
  readonly #patience: Patience;
  #config: NetworkConfig | undefined;
  #uplink: Uplink | undefined;

  constructor(parts: AgentParts, findings: Findings) {
    this.#parts = parts;
    this.#patience = { clock: parts.clock, random: parts.random, findings };
  }

  /** As far as it has come. */
  get config(): NetworkConfig | undefined {
    return this.#config;
  }

  get uplink(): Uplink | undefined {
    return this.#uplink;
  }

  /** @throws WeftError NETWORK_OVERLAP, NOT_PERMITTED, ABORTED, or what the store says that time does not heal */
  async run(signal: AbortSignal): Promise<Started> {
    const parts = this.#parts;
    const { host, state, extension } = parts;
    // The store first: while it answers, the kernel is asked.
    const reading = this.#readConfig(signal);
    const found = this.#findUplink(signal);
    const [{ config, stored }, uplink, cloudSelf, addresses] = await Promise.all([
      reading,
      found,
      found.then(({ address }) => this.#placeInCloud(address, signal)),
      patiently('host', () => host.addresses(signal), this.#patience, signal),
    ]);
    refuseCommands(config, parts.options);
    refuseNat(config, uplink);
    const { node, vtepMac: remembered } = state.remembered;
    const cloud =
      cloudSelf === undefined
        ? {}
        : { cloud: { identity: cloudSelf.identity, table: undefined, trouble: undefined, rows: new Map() } };
    const unknown: Receiver = { config, uplink, vtepMac: macFrom(node), ...cloud };
    if (cloudSelf !== undefined) refuseCloudOverlap(config.v4.network, cloudSelf);
    const othersNetworks = await this.#standClear(config.v4.network, signal);
    const [previous] = previousSubnets(parts);
    refuseOverlap({
      network: config.v4.network,
      subnetLength: config.v4.subnetLength,
      addresses,
      devices: ownDevices(unknown),
      ownSubnet: previous,
    });

    const extensionData = await extension.prepare(config.extension, signal);
    const base = previous === undefined ? undefined : baseOf(previous);
    const looked = await patiently('host', () => firstLook(parts, unknown, base, signal), this.#patience, signal);
    const receiver: Receiver = {
      ...unknown,
      vtepMac: vtepMac({ node, config, adopted: undefined, observed: looked, remembered }),
      ...(extensionData === undefined ? {} : { extensionData }),
    };
    const observed = await readyDevices(parts, receiver, looked, signal);

    const claim = await firstClaim(parts, receiver, observed, this.#patience, signal);
    const { lease, adopted, incarnation, sentAt } = claim;
    const firewall = firewallWish(parts.instance, parts.options);
    const self: Self = { ...claim.receiver, lease, base: baseOf(lease.subnet.v4), firewall };
    const { publicIP } = lease.attributes;
    await extension.settle({ network: config.v4.network, subnet: lease.subnet.v4, publicIP }, signal);
    const file = subnetEnv(self, parts.options);
    const stands = observed.some((entry) => sameHostEntry(entry, file));
    const [outcome] = stands ? [] : await host.apply([{ op: 'put', want: file }], signal);
    const subnetFileWritten = outcome?.error === undefined;
    return { self, cloudSelf, stored, adopted, incarnation, sentAt, subnetFileWritten, othersNetworks };
  }

  /** Of other daemons of this host, whose Networks these are. */
  async #standClear(network: Subnet, signal: AbortSignal): Promise<readonly Subnet[]> {
    const others = async (): Promise<readonly OtherInstance[]> => (await this.#parts.otherInstances?.()) ?? [];
    refuseOtherInstances(network, await others());
    const attempt = async (): Promise<readonly OtherInstance[]> => {
      const now = await others();
      refuseFormerNetworks(network, now);
      return now;
    };
    const clear = await patiently('host', attempt, this.#patience, signal, () => true);
    return clear.map((other) => other.network);
  }

  async #findUplink(signal: AbortSignal): Promise<Uplink> {
    const { host, options } = this.#parts;
    this.#uplink = await patiently('uplink', () => host.uplink(options.uplink, signal), this.#patience, signal);
    return this.#uplink;
  }

  /** Waits for the metadata server. An uplink that is no interface of the machine is a finding: there are tunnels. */
  async #placeInCloud(address: Address, signal: AbortSignal): Promise<CloudSelf | undefined> {
    const { cloud, clock } = this.#parts;
    const { findings } = this.#patience;
    if (cloud === undefined) return undefined;
    const answered = new AbortController();
    const tell = (): void =>
      findings.set('cloud', [
        {
          code: 'CLOUD_UNREACHABLE',
          message: "the start waits for the cloud's metadata server, which does not answer",
        },
      ]);
    const telling = clock.sleep(QUICK_MS, AbortSignal.any([signal, answered.signal])).then(tell, () => undefined);
    try {
      const self = await cloud.network.identify(address, signal);
      answered.abort();
      await telling;
      findings.clear('cloud');
      return self;
    } catch (error) {
      answered.abort();
      await telling;
      if (signal.aborted || !asWeftError(error).code.startsWith('CLOUD_')) throw error;
      findings.set('cloud', [findingOf(error)]);
      return undefined;
    }
  }

  async #readConfig(signal: AbortSignal): Promise<{ readonly config: NetworkConfig; readonly stored: StoredConfig }> {
    const { store } = this.#parts;
    const attempt = async (): Promise<{ config: NetworkConfig; stored: StoredConfig }> => {
      const stored = await store.config(signal);
      if (stored === undefined) {
        throw new WeftError('CONFIG_MISSING', 'the store holds no network config', {
          hint: 'Write one with weftd config set; the daemon goes on by itself then',
        });
      }
      return { config: parseNetworkConfig(stored.text), stored };
    };
    const read = await patiently(
      'config',
      attempt,
      this.#patience,
      signal,
      (error) => isRetryable(error) || HEALS.has(asWeftError(error).code),
    );
    this.#config = read.config;
    return read;
  }
}
