/** The thread that moves packets: waits for the device, the socket and the main thread, each in its turn. Started by `UdpEngine`. */
import { readSync } from 'node:fs';
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { ForwardingTable, unpackDestinations } from '../core/forwarding-table.ts';
import { Readiness } from '../native/readiness.ts';
import { Forwarder } from './forwarder.ts';
import type { FromPacketWorker, PacketWorkerStart, ToPacketWorker } from './udp-messages.ts';

/** The main thread wakes us when it ends; this is for a main thread that cannot. */
const LONGEST_WAIT_MS = 2000;

const tableOf = (peers: Uint32Array): ForwardingTable => new ForwardingTable(unpackDestinations(peers));

function forward(port: MessagePort, start: PacketWorkerStart): void {
  const { wakeFd, deviceFd, datagramFd } = start;
  const forwarder = new Forwarder(start, tableOf(start.peers));
  const readiness = new Readiness([wakeFd, deviceFd, datagramFd]);
  const wake = new Uint8Array(8);
  const say = (message: FromPacketWorker): void => port.postMessage(message);
  for (;;) {
    readiness.wait(LONGEST_WAIT_MS);
    if (readiness.isReady(0)) {
      readSync(wakeFd, wake);
      for (;;) {
        const received = receiveMessageOnPort(port) as { readonly message: ToPacketWorker } | undefined;
        if (received === undefined) break;
        const { message } = received;
        if (message.kind === 'stop') return;
        forwarder.use(tableOf(message.peers));
        say({ kind: 'in force', version: message.version });
      }
    }
    if (readiness.isReady(1) && !forwarder.fromDevice(performance.now())) return say({ kind: 'detached' });
    if (readiness.isReady(2)) forwarder.fromPeers(performance.now());
  }
}

if (parentPort !== null) forward(parentPort, workerData as PacketWorkerStart);
