/** What main thread and packet worker say to each other. */

export interface PacketWorkerStart {
  /** eventfd(2) that the main thread writes to when the worker is to look at its messages. */
  readonly wakeFd: number;
  /** The TUN device, and its name. */
  readonly deviceFd: number;
  readonly device: string;
  readonly datagramFd: number;
  readonly rawFd: number;
  /** core/tunnel-counters.ts */
  readonly counters: SharedArrayBuffer;
  /** `packDestinations` */
  readonly peers: Uint32Array;
}

export type ToPacketWorker =
  | { readonly kind: 'peers'; readonly peers: Uint32Array; readonly version: number }
  | { readonly kind: 'stop' };

export type FromPacketWorker =
  /** The table of this version is in force. */
  | { readonly kind: 'in force'; readonly version: number }
  /** The device is gone: the worker ends. */
  | { readonly kind: 'detached' };
