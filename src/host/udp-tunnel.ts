/** The packet engine as host entries: what it does is observed and changed like the kernel. */
import type { Change } from '../core/diff.ts';
import { WeftError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { Subnet } from '../core/subnet.ts';
import type { TunnelCounters } from '../core/tunnel-counters.ts';
import { describeUdpEntry, type TunnelPeer, type TunnelSocket } from '../core/udp-entry.ts';
import { inTime } from './in-time.ts';
import type { Links } from './links.ts';
import type { PacketEngine } from './packet-engine.ts';
import { RefusedSends } from './refused-sends.ts';
import { isOurTun } from './tun-links.ts';

type PeerChange = Change<TunnelPeer>;
type Peers = ReadonlyMap<Subnet, TunnelPeer>;

interface Table {
  readonly name: string;
  readonly link: number;
  readonly peers: Peers;
}

/** Before another one may begin. */
const ENDING = 'waiting for the packet engine’s end';

/** A thread that takes its peers takes milliseconds for it. */
const MOST_MS = 10_000;

interface UdpTunnelParts {
  readonly load?: () => Promise<PacketEngine>;
  /** How long the engine may take for its peers. */
  readonly mostMs?: number;
}

/** Loaded when it is needed: it is no part of what subnet.env waits for, and many hosts have no such tunnel. */
const loaded = (onTrouble: () => void) => async (): Promise<PacketEngine> =>
  new (await import('./udp-engine.ts')).UdpEngine(onTrouble);

const NONE: Peers = new Map();
const NO_TABLE: Table = { name: '', link: 0, peers: NONE };

export class UdpTunnel {
  readonly #load: () => Promise<PacketEngine>;
  readonly #mostMs: number;
  readonly #refused = new RefusedSends();
  #engine: PacketEngine | undefined;
  /** What the engine was told, for which device: with that it goes. */
  #table = NO_TABLE;

  /** @param onTrouble findings, or what stands, are others than they were */
  constructor(onTrouble: () => void, { load = loaded(onTrouble), mostMs = MOST_MS }: UdpTunnelParts = {}) {
    this.#load = load;
    this.#mostMs = mostMs;
  }

  /** Undefined: it has never been used. */
  get counters(): TunnelCounters | undefined {
    return this.#engine?.counters();
  }

  get findings(): readonly Finding[] {
    if (this.#engine === undefined) return [];
    const { trouble, refusals } = this.#engine;
    const refused = this.#refused.look(refusals, performance.now());
    return trouble === undefined ? refused : [{ code: 'INTERNAL', message: trouble }, ...refused];
  }

  /** On a device that stands. */
  observe(name: string, link: number): readonly (TunnelSocket | TunnelPeer)[] {
    const config = this.#engine?.isDown === true ? undefined : this.#engine?.config;
    const open = config?.name === name && config.link === link;
    return [
      ...(open ? [{ kind: 'socket', link: name, local: config.local, port: config.port } as const] : []),
      ...this.#peersOn(name, link).values(),
    ];
  }

  /** @throws WeftError */
  async applySocket(links: Links, change: Change<TunnelSocket>, signal: AbortSignal): Promise<void> {
    if (change.op === 'remove') {
      // The device may have gone before, and its engine by itself.
      if (this.#engine?.config?.name === change.was.link) await inTime(ENDING, this.#engine.close(), signal);
      return;
    }
    const { link: name, local, port } = change.want;
    const what = `put ${describeUdpEntry(change.want)}`;
    const device = links.named(name);
    if (!isOurTun(device)) throw absent(what, name, device !== undefined);
    const engine = (this.#engine ??= await this.#load());
    const { config } = engine;
    if (config?.name !== name || config.link !== device.index || config.local !== local || config.port !== port)
      return inTime(ENDING, engine.open({ name, link: device.index, local, port }), signal);
    if (engine.isDown) throw new WeftError('KERNEL_REFUSED', `${what}: the packet engine does not run`);
  }

  /** All of them, which are of one device, at once. @returns what went wrong with each that failed, by its place */
  async applyPeers(
    links: Links,
    changes: readonly PeerChange[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, WeftError>> {
    const errors = new Map<number, WeftError>();
    const [first] = changes;
    if (first === undefined) return errors;
    const name = (first.op === 'put' ? first.want : first.was).link;
    const device = links.named(name);
    const link = isOurTun(device) ? device.index : undefined;
    const peers = new Map(link === undefined ? NONE : this.#peersOn(name, link));
    for (const [place, change] of changes.entries()) {
      if (change.op === 'remove') peers.delete(change.was.subnet);
      else if (link !== undefined && change.want.link === name) peers.set(change.want.subnet, change.want);
      else errors.set(place, absent(`put ${describeUdpEntry(change.want)}`, change.want.link, device !== undefined));
    }
    const engine = (this.#engine ??= await this.#load());
    await inTime('telling the packet engine of its peers', engine.setPeers([...peers.values()]), signal, this.#mostMs);
    this.#table = link === undefined ? NO_TABLE : { name, link, peers };
    return errors;
  }

  /** Nothing waits for it: the process ends, or the thread does by itself. */
  close(): void {
    void this.#engine?.close();
  }

  #peersOn(name: string, link: number): Peers {
    return this.#table.link === link && this.#table.name === name ? this.#table.peers : NONE;
  }
}

const absent = (what: string, name: string, other: boolean): WeftError =>
  other
    ? new WeftError('LINK_FOREIGN', `${what}: device ${name} is no tunnel of ours`)
    : new WeftError('LINK_MISSING', `${what}: there is no device ${name}`);
