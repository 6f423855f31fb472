/**
 * The pinger's process: pings from inside many namespaces at once, at exact intervals, and counts by sequence. A process of its own, which blocks
 * in ppoll(2), so that nothing else that happens in the lab delays a ping or an answer's time.
 *
 * Orders come as JSON lines on stdin, answers go as JSON lines to stdout. It ends with its stdin.
 */
import { readSync, writeSync } from 'node:fs';
import { PingSocket, waitReadable } from '../native/ping-socket.ts';
import { OVERDUE_MS, PingCount, type FlowCount, type FlowProgress } from './ping-count.ts';

export type PingOrder =
  | {
      readonly op: 'start';
      readonly flow: number;
      readonly namespaceFile: string;
      readonly to: string;
      readonly intervalMs: number;
      readonly count?: number;
    }
  | { readonly op: 'look' | 'stop' | 'cancel'; readonly flow: number };

/** `end`: after `stop`, or when all `count` pings are answered or overdue. */
export type PingAnswer =
  | { readonly flow: number; readonly kind: 'look'; readonly count: FlowProgress }
  | { readonly flow: number; readonly kind: 'end'; readonly count: FlowCount }
  | { readonly flow: number; readonly kind: 'error'; readonly error: string };

const STDIN = 0;
const STDOUT = 1;
/** So many pings of a flow go out before its answers are read: after a stall many are due, and more answers than these the socket may not hold. */
const MOST_AT_ONCE = 16;

interface Flow {
  readonly number: number;
  readonly socket: PingSocket;
  readonly intervalMs: number;
  readonly limit: number;
  readonly count: PingCount;
  nextAtMs: number;
  stopped: boolean;
}

export function pingUntilStdinEnds(): void {
  const flows = new Map<number, Flow>();
  let waiting = '';
  // All answers that had come by then are read.
  let readMs = performance.now();
  for (;;) {
    const fds = [STDIN, ...[...flows.values()].map(({ socket }) => socket.fd)];
    const lookMs = performance.now();
    const readable = new Set(waitReadable(fds, untilNext(flows)));
    for (const flow of flows.values()) if (readable.has(flow.socket.fd)) receive(flow, readMs);
    readMs = lookMs;
    for (const flow of flows.values()) sendDue(flow, readMs);
    const text = readable.has(STDIN) ? readOrders() : '';
    if (text === undefined) return;
    const lines = (waiting + text).split('\n');
    waiting = lines.pop() ?? '';
    for (const line of lines) follow(JSON.parse(line) as PingOrder, flows, readMs);
    for (const flow of flows.values()) if (isOver(flow, readMs)) end(flow, flows);
  }
}

/** Undefined: nobody gives orders any more. */
function readOrders(): string | undefined {
  const buffer = Buffer.alloc(65_536);
  try {
    const bytes = readSync(STDIN, buffer);
    return bytes === 0 ? undefined : buffer.toString('utf8', 0, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return '';
    throw error;
  }
}

function untilNext(flows: ReadonlyMap<number, Flow>): number {
  const now = performance.now();
  let wait = 1000;
  for (const flow of flows.values()) {
    const at = sendsMore(flow) ? flow.nextAtMs : flow.count.lastSentMs + OVERDUE_MS;
    wait = Math.min(wait, at - now);
  }
  return Math.max(0, wait);
}

const sendsMore = (flow: Flow): boolean => !flow.stopped && flow.count.sent < flow.limit;

/** @param readMs until when nothing of what is read here had come */
function receive(flow: Flow, readMs: number): void {
  for (;;) {
    const sequence = flow.socket.receive();
    if (sequence === undefined) return;
    flow.count.answered(sequence, performance.now(), readMs);
  }
}

/** A late turn sends all that is due: the number sent is what the interval says, however busy the machine. */
function sendDue(flow: Flow, readMs: number): void {
  for (let sent = 1; sendsMore(flow); sent++) {
    const now = performance.now();
    if (flow.nextAtMs > now) return;
    flow.nextAtMs += flow.intervalMs;
    flow.socket.send(flow.count.sends(now));
    if (sent % MOST_AT_ONCE === 0) receive(flow, readMs);
  }
}

function isOver(flow: Flow, readMs: number): boolean {
  if (sendsMore(flow)) return false;
  return flow.count.allAnswered || readMs - flow.count.lastSentMs > OVERDUE_MS;
}

function end(flow: Flow, flows: Map<number, Flow>): void {
  flow.socket.close();
  flows.delete(flow.number);
  answer({ flow: flow.number, kind: 'end', count: flow.count.read(Number.POSITIVE_INFINITY) });
}

function follow(order: PingOrder, flows: Map<number, Flow>, readMs: number): void {
  if (order.op === 'start') {
    try {
      // The process has its own range of ids in each namespace: nobody else pings there by raw socket with the same.
      const socket = new PingSocket(order.namespaceFile, order.to, (process.pid + order.flow) & 0xffff);
      const { flow: number, intervalMs, count: limit = Number.POSITIVE_INFINITY } = order;
      const nextAtMs = performance.now();
      flows.set(number, { number, socket, intervalMs, limit, count: new PingCount(), nextAtMs, stopped: false });
    } catch (error) {
      answer({ flow: order.flow, kind: 'error', error: String(error) });
    }
    return;
  }
  const flow = flows.get(order.flow);
  if (flow === undefined) return;
  if (order.op === 'stop') flow.stopped = true;
  else if (order.op === 'cancel') end(flow, flows);
  else answer({ flow: flow.number, kind: 'look', count: flow.count.soFar(readMs) });
}

function answer(message: PingAnswer): void {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let at = 0; at < bytes.length;) at += writeSync(STDOUT, bytes, at);
}
