/** The packet engine: device and sockets are opened here, where a refusal can be told, and a worker moves packets between them. */
import { closeSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { v4Value } from '../core/address.ts';
import { WeftError } from '../core/errors.ts';
import { packDestinations } from '../core/forwarding-table.ts';
import { baseOf, prefixLengthOf } from '../core/subnet.ts';
import {
  COUNTER_BYTES,
  DROPPED,
  LAST_ERRNO,
  placeOfSlot,
  readCounters,
  REFUSED,
  SENT_PACKETS,
  Slots,
  type TunnelCounters,
} from '../core/tunnel-counters.ts';
import { describeUdpEntry, type TunnelPeer } from '../core/udp-entry.ts';
import { EADDRINUSE, KernelError } from '../native/kernel-error.ts';
import { openTun } from '../native/tun.ts';
import { openDatagrams, openRaw } from '../native/tunnel-sockets.ts';
import type { EngineConfig, PacketEngine, Refusals } from './packet-engine.ts';
import { PacketThread } from './packet-thread.ts';
import { tunFailure } from './tun-links.ts';

/** A worker that ends by itself is started again, each time after twice as long. */
const FIRST_REST_MS = 100;
const LONGEST_REST_MS = 30_000;
/** Until so long after its failure it is a finding, or nobody would hear of it. */
const WELL_AFTER_MS = 60_000;
/** After so many failures in a row it counts as down: one alone is over before peers could take other paths. */
const FEW_FAILURES = 3;
/** Then so long after a start it counts as up: no peer comes back for each start of one that fails. */
const UP_AFTER_MS = 5000;

interface Descriptors {
  readonly deviceFd: number;
  readonly datagramFd: number;
  readonly rawFd: number;
}

export class UdpEngine implements PacketEngine {
  readonly #shared = new SharedArrayBuffer(COUNTER_BYTES);
  readonly #counters = new Float64Array(this.#shared);
  readonly #slots = new Slots();
  readonly #onTrouble: () => void;
  #peers = packDestinations([]);
  #config: EngineConfig | undefined;
  #descriptors: Descriptors | undefined;
  #thread: PacketThread | undefined;
  #trouble: string | undefined;
  #failures = 0;
  #restart: NodeJS.Timeout | undefined;
  #well: NodeJS.Timeout | undefined;
  #isDown = false;
  #up: NodeJS.Timeout | undefined;
  #closing: Promise<void> = Promise.resolve();

  /** @param onTrouble `trouble` or `isDown` is another than it was */
  constructor(onTrouble: () => void) {
    this.#onTrouble = onTrouble;
  }

  get config(): EngineConfig | undefined {
    return this.#config;
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  get refusals(): Refusals {
    return { count: this.#counters[REFUSED] ?? 0, errno: this.#counters[LAST_ERRNO] ?? 0 };
  }

  async open(config: EngineConfig): Promise<void> {
    // Loaded when it is needed: most hosts have no such tunnel.
    const { Worker: Thread } = await import('node:worker_threads');
    await this.close();
    this.#descriptors = opened(config);
    this.#config = config;
    this.#failures = 0;
    this.#start(Thread);
  }

  async setPeers(peers: readonly TunnelPeer[]): Promise<void> {
    this.#slots.keep(new Set(peers.map(({ subnet }) => subnet)), (slot) =>
      this.#counters.fill(0, placeOfSlot(slot) + SENT_PACKETS, placeOfSlot(slot) + DROPPED + 1),
    );
    this.#peers = packDestinations(
      peers.map(({ subnet, remote, port, mtuBytes }) => ({
        network: v4Value(baseOf(subnet)),
        prefixLength: prefixLengthOf(subnet),
        remote: v4Value(remote),
        port,
        mtuBytes,
        slot: this.#slots.all.get(subnet) ?? 0,
      })),
    );
    await this.#thread?.setPeers(this.#peers);
  }

  counters(): TunnelCounters {
    return readCounters(this.#counters, this.#slots.all);
  }

  close(): Promise<void> {
    const [thread, descriptors] = [this.#thread, this.#descriptors];
    clearTimeout(this.#restart);
    clearTimeout(this.#well);
    clearTimeout(this.#up);
    this.#config = undefined;
    this.#isDown = false;
    this.#descriptors = undefined;
    this.#thread = undefined;
    this.#trouble = undefined;
    // One that is under way is waited for: the kernel gives the device to one at a time.
    if (descriptors !== undefined) this.#closing = ended(thread, descriptors);
    return this.#closing;
  }

  /** @throws KernelError */
  #start(Thread: typeof Worker): void {
    const { name: device } = this.#config ?? {};
    if (device === undefined || this.#descriptors === undefined) return;
    const start = { ...this.#descriptors, device, counters: this.#shared, peers: this.#peers };
    this.#thread = new PacketThread(Thread, start, {
      onDetached: () => void this.close(),
      onFailure: (error) => this.#fail(Thread, error),
    });
  }

  /** What waits in the device and the socket meanwhile is not lost: they stay open. */
  #fail(Thread: typeof Worker, error: Error): void {
    this.#thread = undefined;
    clearTimeout(this.#well);
    clearTimeout(this.#up);
    this.#trouble = `the packet engine of ${this.#config?.name} has ended (${(this.#failures += 1)} in a row): ${error.message}; it is started again`;
    if (this.#failures >= FEW_FAILURES) this.#isDown = true;
    const restMs = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** (this.#failures - 1));
    this.#restart = setTimeout(() => this.#startAgain(Thread), restMs).unref();
    this.#well = setTimeout(() => this.#recover(), restMs + WELL_AFTER_MS).unref();
    this.#onTrouble();
  }

  /** Nobody waits for this one: that there is no descriptor for it, say, is one more failure. */
  #startAgain(Thread: typeof Worker): void {
    try {
      this.#start(Thread);
      if (this.#isDown) this.#up = setTimeout(() => this.#comeUp(), UP_AFTER_MS).unref();
    } catch (error) {
      this.#fail(Thread, error instanceof Error ? error : new Error(String(error)));
    }
  }

  #comeUp(): void {
    this.#isDown = false;
    this.#onTrouble();
  }

  #recover(): void {
    this.#failures = 0;
    this.#trouble = undefined;
    this.#onTrouble();
  }
}

async function ended(thread: PacketThread | undefined, descriptors: Descriptors): Promise<void> {
  thread?.stop();
  await thread?.ended;
  for (const fd of Object.values(descriptors)) closeSync(Number(fd));
}

/** @throws WeftError */
function opened(config: EngineConfig): Descriptors {
  const { name, local, port } = config;
  const what = `put ${describeUdpEntry({ kind: 'socket', link: name, local, port })}`;
  try {
    return openAll(config);
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== EADDRINUSE) throw tunFailure(what, name, error);
    throw new WeftError('KERNEL_REFUSED', `${what}: another program has that UDP port`, {
      cause: error,
      hint: 'Stop it (a flanneld that runs beside?), or set Weft.UDP.Port for all hosts',
    });
  }
}

/** All or none. @throws KernelError, or Node's error of open(2) */
function openAll({ name, local, port }: EngineConfig): Descriptors {
  const opened: number[] = [];
  const keep = (fd: number): number => {
    opened.push(fd);
    return fd;
  };
  try {
    const datagramFd = keep(openDatagrams(v4Value(local), port));
    return { datagramFd, rawFd: keep(openRaw()), deviceFd: keep(openTun(name)) };
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    throw error;
  }
}
