/** `HostNetwork` on Linux: puts together what the files beside it do. */
import type {
  ChangeOutcome,
  HostHint,
  HostNetwork,
  HostObservation,
  HostScope,
  InterfaceAddress,
  UplinkChoice,
} from '../contracts/host-network.ts';
import type { Change } from '../core/diff.ts';
import { WeftError } from '../core/errors.ts';
import type { HostEntry } from '../core/host-entry.ts';
import type { TunnelCounters } from '../core/tunnel-counters.ts';
import type { Uplink } from '../core/uplink.ts';
import { RouteSocket } from '../native/route-socket.ts';
import { interfaceAddresses } from './addresses.ts';
import { applyChanges } from './apply-changes.ts';
import { Asked } from './asked.ts';
import { observeFiles } from './files.ts';
import { kernelFailure } from './kernel-errors.ts';
import { KernelHints } from './kernel-hints.ts';
import { KernelThread } from './kernel-thread.ts';
import { observeKernel } from './kernel-observation.ts';
import { Links } from './links.ts';
import { LinuxProbe } from './linux-probe.ts';
import type { PacketFilter } from './packet-filter.ts';
import { observeSysctls } from './sysctls.ts';
import { UdpTunnel } from './udp-tunnel.ts';
import { findUplink } from './uplink.ts';
import type { WatchScope } from './worker-messages.ts';

interface Kernel {
  readonly socket: RouteSocket;
  readonly hints: KernelHints;
  readonly thread: KernelThread;
}

export class LinuxHost implements HostNetwork {
  #kernel: Kernel | undefined;
  readonly #tunnel = new UdpTunnel(() => this.#kernel?.hints.nudge());
  #uplink: string | undefined;
  #filter: Promise<PacketFilter> | undefined;

  async observe(scope: HostScope, signal: AbortSignal): Promise<HostObservation> {
    const asked = new Asked(scope.only);
    const { socket, hints } = this.#open();
    const links = new Links(socket);
    const kernel = await attempt('look at the kernel', signal, () =>
      observeKernel(socket, links, scope, asked, this.#tunnel),
    );
    hints.watch(watchScope(scope, this.#uplink, links));
    const [sysctls, files, firewall] = await Promise.all([
      observeSysctls(scope.sysctls.filter((name) => asked.hasKey(`sysctl ${name}`))),
      observeFiles(scope.files.filter((path) => asked.hasKey(`file ${path}`))),
      asksForFilter(scope, asked)
        ? this.#packetFilter().then((filter) => filter.observe(scope, asked, signal))
        : NO_FILTER,
    ]);
    stopIfAborted(signal);
    return {
      ...firewall,
      entries: [...kernel, ...sysctls, ...files, ...firewall.entries],
      findings: [...this.#tunnel.findings, ...firewall.findings],
    };
  }

  async apply(changes: readonly Change<HostEntry>[], signal: AbortSignal): Promise<readonly ChangeOutcome[]> {
    const { socket, hints } = this.#open();
    return attempt('change the kernel', signal, () =>
      applyChanges({ socket, hints, tunnel: this.#tunnel, filter: () => this.#packetFilter() }, changes, signal),
    );
  }

  hints(signal: AbortSignal): AsyncIterable<HostHint> {
    return this.#open().hints.hints(signal);
  }

  async uplink(choice: UplinkChoice, signal: AbortSignal): Promise<Uplink> {
    const { socket } = this.#open();
    const uplink = await attempt('look for the uplink', signal, async () => findUplink(socket, choice));
    this.#uplink = uplink.link;
    return uplink;
  }

  async addresses(signal: AbortSignal): Promise<readonly InterfaceAddress[]> {
    const { socket } = this.#open();
    return attempt('list addresses', signal, async () => interfaceAddresses(socket));
  }

  /**
   * Probes of this host, on the thread that also waits for the kernel.
   * @param privateKey X25519, base64url
   * @param instance eight hexadecimal digits that tell this daemon from others on the host
   */
  probe(privateKey: string, instance: string): LinuxProbe {
    return new LinuxProbe(() => this.#open().thread, privateKey, instance);
  }

  /** Of the tunnel that this process is a part of; undefined while there is none. */
  get tunnelCounters(): TunnelCounters | undefined {
    return this.#tunnel.counters;
  }

  /** Gives the netlink socket back. Only when nothing is under way. */
  close(): void {
    this.#kernel?.socket.close();
    this.#kernel = undefined;
    this.#tunnel.close();
  }

  /** Loaded when it is needed: subnet.env is written without it. */
  #packetFilter(): Promise<PacketFilter> {
    return (this.#filter ??= import('./packet-filter.ts').then((loaded) => new loaded.PacketFilter()));
  }

  /** At first use: a process that only prints its version needs no kernel. */
  #open(): Kernel {
    if (this.#kernel !== undefined) return this.#kernel;
    try {
      const socket = new RouteSocket();
      const thread = new KernelThread(socket.port);
      this.#kernel = { socket, thread, hints: new KernelHints(thread) };
      return this.#kernel;
    } catch (error) {
      throw openFailure(error);
    }
  }
}

const NO_FILTER: HostObservation = { entries: [], findings: [] };

const asksForFilter = ({ accepts, formerAccepts = [], masquerade }: HostScope, asked: Asked): boolean =>
  (accepts.length + formerAccepts.length > 0 && asked.any('accept')) ||
  (masquerade !== undefined && asked.any('masquerade'));

/** koffi's own errors say what to do. */
function openFailure(error: unknown): WeftError {
  const failure = kernelFailure('open a netlink socket', error);
  return failure.code === 'INTERNAL' ? new WeftError('KERNEL_UNSUPPORTED', failure.message, { cause: error }) : failure;
}

async function attempt<T>(what: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  stopIfAborted(signal);
  try {
    return await work();
  } catch (error) {
    throw kernelFailure(what, error);
  }
}

function stopIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new WeftError('ABORTED', 'stopped while looking at the kernel');
}

function watchScope(scope: HostScope, uplink: string | undefined, links: Links): WatchScope {
  const uplinks = uplink === undefined ? [] : [uplink];
  const indexes = (names: readonly string[]): number[] => names.flatMap((name) => links.named(name)?.index ?? []);
  return {
    links: scope.links,
    linkIndexes: indexes(scope.links),
    uplinks,
    uplinkIndexes: indexes(uplinks),
    networks: scope.networks,
    ...(scope.base === undefined ? {} : { base: scope.base }),
  };
}
