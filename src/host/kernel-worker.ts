/**
 * The thread that waits for the kernel: Node has no netlink sockets, and a thread that blocks must not be the main one. Started by `KernelThread`.
 *
 *   kernel --notifications--> [ poll ] --hints, conflated, one message at a time--> main thread
 *   peers <--probes, answers--> [ poll ] --what became of probes--> main thread
 *   main thread --messages, eventfd--> [ poll ]
 */
import { readSync } from 'node:fs';
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import type { HostHint } from '../contracts/host-network.ts';
import { ENOBUFS, KernelError } from '../native/kernel-error.ts';
import {
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  NFNL_SUBSYS_NFTABLES,
  NFNLGRP_NFTABLES,
  NFT_MSG_DELRULE,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_IPV6_ROUTE,
  RTNLGRP_LINK,
  RTNLGRP_NEIGH,
} from '../native/netlink/constants.ts';
import { MessageReader } from '../native/netlink/message-reader.ts';
import { watchFilter } from '../native/netlink/watch-filter.ts';
import { NetlinkSocket } from '../native/netlink-socket.ts';
import { Readiness } from '../native/readiness.ts';
import { SharedDescriptors } from '../native/shared-descriptors.ts';
import { ProbeStation } from './probe-station.ts';
import { Relevance } from './relevance.ts';
import type { FromWorker, ProbeOrder, ToWorker, WorkerStart } from './worker-messages.ts';

const GROUPS = [
  RTNLGRP_LINK,
  RTNLGRP_NEIGH,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_IPV6_ROUTE,
];
/** For what the kernel wants of each socket: nothing is sent. */
const SEND_BYTES = 4096;
/** The main thread wakes us when it ends; this is for a main thread that cannot. */
const LONGEST_WAIT_MS = 2000;

class KernelWatch {
  readonly #port: MessagePort;
  readonly #start: WorkerStart;
  readonly #relevance: Relevance;
  readonly #routes: NetlinkSocket;
  readonly #rules: NetlinkSocket | undefined;
  readonly #reader = new MessageReader(new Uint8Array(1 << 16));
  readonly #station: ProbeStation;
  readonly #descriptors: SharedDescriptors;
  /** What changed before we listened is unknown. */
  readonly #waiting = new Set<HostHint>(['everything']);
  #isTaken = true;
  #isStopped = false;

  constructor(port: MessagePort, start: WorkerStart) {
    this.#port = port;
    this.#start = start;
    this.#relevance = new Relevance(start.ownPort);
    this.#descriptors = new SharedDescriptors(start.descriptors);
    this.#station = new ProbeStation(this.#descriptors);
    this.#routes = new NetlinkSocket(NETLINK_ROUTE, {
      receiveBytes: start.receiveBytes,
      sendBytes: SEND_BYTES,
      groups: GROUPS,
    });
    this.#routes.filter(watchFilter(start.ownPort, []));
    this.#rules = openRules(start.receiveBytes);
    for (const socket of this.#sockets) this.#descriptors.add(socket.fd);
  }

  run(): void {
    try {
      this.#watch();
    } finally {
      // Descriptors belong to the process: whoever takes this thread's place wants its port.
      this.#obey({ kind: 'probe-stop' });
      for (const socket of this.#sockets) {
        this.#descriptors.remove(socket.fd);
        socket.close();
      }
    }
  }

  get #sockets(): readonly NetlinkSocket[] {
    return this.#rules === undefined ? [this.#routes] : [this.#routes, this.#rules];
  }

  #watch(): void {
    const own = [this.#start.wakeFd, ...this.#sockets.map(({ fd }) => fd)];
    const wake = new Uint8Array(8);
    // What the main thread said meanwhile belongs to the beginning, of which one hint at everything tells.
    this.#listen();
    let probing: readonly number[] = [];
    let readiness = new Readiness(own);
    while (!this.#isStopped) {
      this.#tell();
      this.#tellOutcomes();
      if (probing !== this.#station.fds) {
        probing = this.#station.fds;
        readiness = new Readiness([...own, ...probing]);
      }
      readiness.wait(Math.min(LONGEST_WAIT_MS, Math.max(0, Math.ceil(this.#station.nextMs - performance.now()))));
      // Probes first: an answer that waits looks like a longer way.
      for (const [place, fd] of probing.entries())
        if (readiness.isReady(own.length + place)) this.#station.read(fd, performance.now());
      this.#station.tick(performance.now());
      if (readiness.isReady(0)) readSync(this.#start.wakeFd, wake);
      if (readiness.isReady(1)) this.#drain(this.#routes, (m) => this.#relevance.judge(m));
      else this.#listen();
      if (this.#rules !== undefined && readiness.isReady(2)) this.#drain(this.#rules, judgeFirewall);
    }
  }

  #tell(): void {
    if (!this.#isTaken || this.#waiting.size === 0) return;
    const told: FromWorker = { kind: 'hints', hints: [...this.#waiting] };
    this.#waiting.clear();
    this.#isTaken = false;
    this.#port.postMessage(told);
  }

  #tellOutcomes(): void {
    const outcomes = this.#station.takeOutcomes(performance.now());
    if (outcomes !== undefined) this.#port.postMessage({ kind: 'probe-outcomes', outcomes } satisfies FromWorker);
  }

  #obey(order: ProbeOrder): void {
    let refused: { readonly call: string; readonly errno: number } | undefined;
    try {
      this.#station.obey(order, performance.now());
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      refused = { call: error.message, errno: error.errno };
    }
    if (order.kind !== 'probe-listen') return;
    this.#port.postMessage({
      kind: 'probe-listening',
      ...(refused === undefined ? {} : { refused }),
    } satisfies FromWorker);
  }

  #drain(socket: NetlinkSocket, judge: (m: MessageReader) => readonly HostHint[]): void {
    for (;;) {
      let length: number | undefined;
      try {
        length = socket.receive(this.#reader.bytes);
      } catch (error) {
        // Notifications were dropped: anything may have changed.
        if (!(error instanceof KernelError) || error.errno !== ENOBUFS) throw error;
        this.#waiting.add('everything');
        continue;
      }
      if (length === undefined) return;
      // What the main thread announced before it did it is here by now.
      this.#listen();
      this.#reader.open(length);
      const before = this.#relevance.ownLinks.length;
      while (this.#reader.next()) for (const hint of judge(this.#reader)) this.#waiting.add(hint);
      if (this.#relevance.ownLinks.length !== before) this.#refilter();
    }
  }

  #listen(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { readonly message: ToWorker } | undefined;
      if (received === undefined) return;
      const { message } = received;
      switch (message.kind) {
        case 'watch':
          if (this.#relevance.watch(message.scope)) {
            this.#refilter();
            this.#waiting.add('neighbours');
          }
          break;
        case 'expect':
          for (const expected of message.expected) this.#relevance.expect(expected);
          break;
        case 'taken':
          this.#isTaken = true;
          break;
        case 'stop':
          this.#isStopped = true;
          break;
        default:
          this.#obey(message);
      }
    }
  }

  #refilter(): void {
    this.#routes.filter(watchFilter(this.#start.ownPort, this.#relevance.ownLinks));
  }
}

/** Undefined where the kernel has no nftables, or we may not listen. */
function openRules(receiveBytes: number): NetlinkSocket | undefined {
  try {
    return new NetlinkSocket(NETLINK_NETFILTER, { receiveBytes, sendBytes: SEND_BYTES, groups: [NFNLGRP_NFTABLES] });
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}

/** Tables, chains and rules; the elements of sets come and go with every service and connection. */
function judgeFirewall(m: MessageReader): readonly HostHint[] {
  return m.type >> 8 === NFNL_SUBSYS_NFTABLES && (m.type & 0xff) <= NFT_MSG_DELRULE ? ['firewall'] : [];
}

if (parentPort !== null) new KernelWatch(parentPort, workerData as WorkerStart).run();
